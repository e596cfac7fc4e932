"""Calico's selectors: a parser and an evaluator on labels (source: libcalico-go/lib/selector)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

_LABEL = r"[a-zA-Z0-9_./-]{1,512}"
_TOKENS = re.compile(
    rf"""[ \t]*(?:
    (?P<sign>\(|\)|\{{|\}}|,|==|!=|!|&&|\|\|)
    |"(?P<double>[^"]*)"|'(?P<single>[^']*)'
    |has\([ \t]*(?P<has>{_LABEL})[ \t]*\)
    |(?P<all>all\([ \t]*\))|(?P<global>global\([ \t]*\))
    |(?P<label>{_LABEL})
    )""",
    re.VERBOSE,
)
_OPERATOR = re.compile(r"[ \t]*(?:(?P<set>not\s*in\b|in\b)|(?P<text>contains|starts\s*with|ends\s*with))")

_SPELT = {"i": "in", "n": "not in", "c": "contains", "s": "starts with", "e": "ends with"}


class SelectorError(ValueError):
    """The text is not a selector; Calico would ignore the object that has it."""


@dataclass(frozen=True, kw_only=True)
class Every:
    """`all()`."""


@dataclass(frozen=True, kw_only=True)
class OnlyGlobal:
    """`global()`: objects without a namespace; used in namespace selectors."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A comparison of a label: has, ==, !=, in, not in, contains, starts with, ends with."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Negated:
    """`!` before an expression."""

    of: "Expression"


@dataclass(frozen=True, kw_only=True)
class Joined:
    """Expressions joined by `&&` or `||`."""

    parts: tuple["Expression", ...]
    every: bool


Expression: TypeAlias = Every | OnlyGlobal | Compared | Negated | Joined
_Token: TypeAlias = tuple[str, str]


def parse(text: str) -> Expression:
    """The selector as a tree; an empty text selects everything. Raises SelectorError."""
    tokens = _tokens(text)
    if not tokens:
        return Every()
    parser = _Parser(text, tokens)
    found = parser.alternatives()
    if parser.rest:
        raise SelectorError(f"'{text}' is no selector: '{parser.rest[0][1]}' is not expected there")
    return found


def holds(expression: Expression, labels: Mapping[str, str]) -> bool:
    """True if the labels match."""
    if isinstance(expression, Joined):
        results = (holds(part, labels) for part in expression.parts)
        return all(results) if expression.every else any(results)
    if isinstance(expression, Negated):
        return not holds(expression.of, labels)
    if isinstance(expression, Compared):
        return compared(expression, labels.get(expression.key))
    return True


def compared(expression: Compared, value: str | None) -> bool:
    """True if one label's value matches; `!=` and `not in` hold for a label that is absent."""
    operator, values = expression.operator, expression.values
    if operator in ("!=", "not in"):
        return value is None or value not in values
    if value is None:
        return False
    if operator == "contains":
        return values[0] in value
    if operator == "starts with":
        return value.startswith(values[0])
    if operator == "ends with":
        return value.endswith(values[0])
    return operator == "has" or value in values


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    place, end = 0, len(text.rstrip(" \t"))
    while place < end:
        after_label = bool(found) and found[-1][0] == "label"
        match = _OPERATOR.match(text, place) if after_label else None
        match = match or _TOKENS.match(text, place)
        if match is None or match.lastgroup is None or (after_label and match.lastgroup in ("label", "has", "all")):
            raise SelectorError(f"'{text}' is no selector: it cannot be read from '{text[place:].strip()}' on")
        kind, value = match.lastgroup, match[match.lastgroup]
        if kind in ("double", "single"):
            kind = "string"
        if kind in ("set", "text"):
            kind, value = "operator", _SPELT[value[0]]
        found.append((kind, value))
        place = match.end()
    return found


class _Parser:
    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self.text, self.rest = text, tokens

    def alternatives(self) -> Expression:
        parts = [self.conjunction()]
        while self.taken("sign", "||"):
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else Joined(parts=tuple(parts), every=False)

    def conjunction(self) -> Expression:
        parts = [self.operation()]
        while self.taken("sign", "&&"):
            parts.append(self.operation())
        return parts[0] if len(parts) == 1 else Joined(parts=tuple(parts), every=True)

    def operation(self) -> Expression:
        negated = False
        while self.taken("sign", "!"):
            negated = not negated
        found = self.operand()
        return Negated(of=found) if negated else found

    def operand(self) -> Expression:
        kind, value = self.next()
        if kind == "has":
            return Compared(key=value, operator="has")
        if kind == "all":
            return Every()
        if kind == "global":
            return OnlyGlobal()
        if kind == "label":
            return self.comparison(value)
        if (kind, value) == ("sign", "("):
            found = self.alternatives()
            self.must("sign", ")")
            return found
        raise SelectorError(f"'{self.text}' is no selector: '{value}' is not expected there")

    def comparison(self, key: str) -> Expression:
        kind, operator = self.next()
        if kind == "sign" and operator in ("==", "!="):
            return Compared(key=key, operator=operator, values=(self.must("string"),))
        if kind != "operator":
            raise SelectorError(f"'{self.text}' is no selector: an operator must follow '{key}'")
        if operator not in ("in", "not in"):
            return Compared(key=key, operator=operator, values=(self.must("string"),))
        self.must("sign", "{")
        values: list[str] = []
        while self.rest and self.rest[0][0] == "string":
            values.append(self.must("string"))
            if not self.taken("sign", ","):
                break
        self.must("sign", "}")
        return Compared(key=key, operator=operator, values=tuple(values))

    def next(self) -> _Token:
        if not self.rest:
            raise SelectorError(f"'{self.text}' is no selector: it ends too early")
        return self.rest.pop(0)

    def taken(self, kind: str, value: str) -> bool:
        if self.rest and self.rest[0] == (kind, value):
            self.rest.pop(0)
            return True
        return False

    def must(self, kind: str, value: str = "") -> str:
        found = self.next()
        if found[0] != kind or (value and found[1] != value):
            raise SelectorError(f"'{self.text}' is no selector: '{found[1]}' is not expected there")
        return found[1]
