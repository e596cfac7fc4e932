"""Commands that the program prints in backquotes, read from the string literals of its source.

What is filled in when the text is made is a hole, `{}`: `kubectl -n {} get pods`.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from scripts.lab.paths import CHECKOUT

HOLE = "{}"
_PROGRAMS = r"kubectl|helm|pulumi|(?:\S*/)?python3?|(?:\S*/)?pip"
# What nobody but the operator knows, and a test fills in.
_PLACEHOLDERS = re.compile(r"\b(?:ADDRESS|PATH|VALUE|NAME|ID)\b")
_COMMAND = re.compile(rf"`((?:{_PROGRAMS}) [^`]*)`")
_FORMATTED = re.compile(r"\{\w+\}")  # what `str.format` fills in
_BEGUN = re.compile(rf"`(?:{_PROGRAMS}) [^`]*$|^(?:kubectl|helm|pulumi) ")
_FOLDERS = ("components", "stacks", "scripts")
_NOT_FOR_OPERATORS = ("scripts/lab", "scripts/bench")


@dataclass
class Printed:
    """One such command, and the files that print it."""

    text: str
    files: set[str] = field(default_factory=set)

    def fits(self, command: str) -> bool:
        """True if the command is this one, with something in each hole."""
        parts = _PLACEHOLDERS.sub(HOLE, self.text).split(HOLE)
        return bool(re.fullmatch(".*".join(map(re.escape, parts)), command))


@cache
def printed() -> dict[str, Printed]:
    """All of them, by their text."""
    found: dict[str, Printed] = {}
    for file, name in _sources():
        for text in printed_by(file):
            found.setdefault(text, Printed(text)).files.add(name)
    return found


def unfinished() -> list[str]:
    """Texts that begin a command and leave its end to another, and where they are."""
    return [
        f"{name}: {text}"
        for file, name in _sources()
        for text in _literals(file)
        if _BEGUN.search(_COMMAND.sub("", text))
    ]


def _sources() -> Iterator[tuple[Path, str]]:
    """The files whose texts operators read, with their names."""
    for file in sorted(each for folder in _FOLDERS for each in (CHECKOUT / folder).rglob("*.py")):
        name = str(file.relative_to(CHECKOUT))
        if not name.startswith(_NOT_FOR_OPERATORS):
            yield file, name


def printed_by(file: Path) -> Iterator[str]:
    """Those of one file, its docstrings left out."""
    for text in _literals(file):
        yield from commands_in(text)


def commands_in(text: str) -> list[str]:
    """The commands of a text, in their order."""
    return _COMMAND.findall(text)


def filled(command: str, value: str) -> str:
    """The command with the value in the place of what only the operator knows."""
    return _PLACEHOLDERS.sub(value, command)


@cache
def executed_by_tests() -> dict[str, set[str]]:
    """Commands that tests are marked to execute, and the files of those tests."""
    found: dict[str, set[str]] = {}
    for file in sorted((CHECKOUT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.executes":
                for each in node.args:
                    found.setdefault(ast.literal_eval(each), set()).add(str(file.relative_to(CHECKOUT)))
    return found


@cache
def _literals(file: Path) -> tuple[str, ...]:
    tree = ast.parse(file.read_text())
    return tuple(_texts(tree, documented=_docstrings(tree)))


def _docstrings(tree: ast.AST) -> set[ast.AST]:
    with_one = (ast.Module, ast.ClassDef, ast.FunctionDef)
    bodies = [each.body for each in ast.walk(tree) if isinstance(each, with_one)]
    return {body[0].value for body in bodies if body and isinstance(body[0], ast.Expr)}


def _texts(node: ast.AST, *, documented: set[ast.AST]) -> Iterator[str]:
    """The text of each literal, and of each sum of literals, as a whole."""
    if node in documented:
        return
    whole = _text(node)
    if whole != HOLE:
        yield whole
    for child in ast.iter_child_nodes(node):
        part = isinstance(node, ast.BinOp | ast.JoinedStr) and _text(child) != HOLE
        yield from _within(child, documented) if part else _texts(child, documented=documented)


def _within(node: ast.AST, documented: set[ast.AST]) -> Iterator[str]:
    """Texts nested in a part of one that was read as a whole."""
    for child in ast.iter_child_nodes(node):
        yield from _within(child, documented) if _text(child) != HOLE else _texts(child, documented=documented)


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _FORMATTED.sub(HOLE, node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return HOLE
