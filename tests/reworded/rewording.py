"""Imports the product with other words in every message: what was prose is unreadable, and everything else is as it is.

Prose is a text with words apart from each other, or any text that is handed over as a message. Letters change and
nothing else does, so that a text keeps its length and with it its room in a picture.
"""

import ast
import codecs
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

_CHECKOUT = Path(__file__).parents[2]
_REWORDED = ("components.", "scripts.report.", "scripts.watch.", "scripts.check.", "scripts.plan.")
# Their texts are of others or for them: an API server's words, scripts for nodes, the pods' own programs, markup.
_NOT_OURS = (
    "components.operations.our_pods.refusals", "components.operations.removal.sweep_script",
    "components.operations.on_node", "components.probe.in_pod", "scripts.report.charts.svg",
)  # fmt: skip
# Patterns and selectors are the language of others, and pydantic's models are made of their annotations.
_NOT_MESSAGES = ("compile", "search", "match", "fullmatch", "findall", "sub", "parse_selector", "Literal", "TypeVar")
_MESSAGES = ("say", "done", "Pending", "DrainFault", "DrainNote", "Found", "Answer", "Line", "warn", "info")
_ARGUMENTS = {"message", "detail", "evidence", "remedy", "fact", "what"}
_FIELDS = {"last_words"}
_PROSE = re.compile(r"[A-Za-z]{2,}\S* +\S|\S +\S*[A-Za-z]{2,}|^ [a-z]|[a-z] $|[a-z]: $")


def reworded(text: str) -> str:
    """The text with each letter changed; words in backticks too, as commands are for people."""
    return codecs.encode(text, "rot13")


class _Rewording(ast.NodeTransformer):
    """Changes what is prose by its form, and everything in what is handed over as a message."""

    def __init__(self) -> None:
        self._message = False

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str) and (self._message or _PROSE.search(node.value)):
            return ast.copy_location(ast.Constant(reworded(node.value)), node)
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        """A format is none of the text, and a value within a message is a message only by its own form."""
        was, self._message = self._message, False
        node.value = self.visit(node.value)
        self._message = was
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _NOT_MESSAGES:
            return node
        node.func = self.visit(node.func)
        all_of_it = name in _MESSAGES or name.endswith("Error")
        # The first argument of a step is its name, which is a fact.
        node.args = [
            self._argument(each, message=all_of_it or (name == "step" and place > 0))
            for place, each in enumerate(node.args)
        ]
        for keyword in node.keywords:
            keyword.value = self._argument(keyword.value, message=keyword.arg in _ARGUMENTS)
        return node

    def _argument(self, node: ast.expr, *, message: bool) -> ast.expr:
        plain = isinstance(node, ast.Constant | ast.JoinedStr | ast.IfExp)
        was, self._message = self._message, message and plain
        found: ast.expr = self.visit(node)
        self._message = was
        return found

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        """The last words of a half turn are a message, however they come about."""
        message = any(isinstance(each, ast.Attribute) and each.attr in _FIELDS for each in node.targets)
        node.value = self._argument(node.value, message=message)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """An enumeration's values are facts."""
        return node if any("Enum" in ast.unparse(base) for base in node.bases) else self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return (
            node
            if isinstance(node.value, ast.Name) and node.value.id in ("Literal", "Annotated")
            else self.generic_visit(node)
        )


class _Loader(importlib.machinery.SourceFileLoader):
    def source_to_code(  # type: ignore[override]
        self, data: bytes, path: str, *, _optimize: int = -1
    ) -> object:
        tree = _Rewording().visit(ast.parse(data))
        return compile(ast.fix_missing_locations(tree), path, "exec", optimize=_optimize)

    def get_code(self, fullname: str):  # type: ignore[no-untyped-def]
        """Past the cache of bytecode, which has the words as they are."""
        return self.source_to_code(self.get_data(self.path), self.path)


class Rewording(importlib.abc.MetaPathFinder):
    """Finds the product's modules and has their words changed as they are imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith(_REWORDED) or fullname.startswith(_NOT_OURS):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec and spec.origin and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(fullname, spec.origin)
        return spec


def install() -> None:
    """From now on; nothing of the product may have been imported by then."""
    assert not [each for each in sys.modules if each.startswith(_REWORDED)]
    sys.meta_path.insert(0, Rewording())
