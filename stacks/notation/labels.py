"""Label selectors in text form, parsed as strictly as kubectl does: `app=web,tier in (a, b),!canary`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_DOMAIN = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*"
_KEY = rf"(?P<key>(?:(?P<domain>{_DOMAIN})/)?{_NAME})"
_VALUE = re.compile(rf"(?:{_NAME})?")
_WHOLE_NUMBER = re.compile(r"\d{1,18}")
_COMMA_OUTSIDE_BRACKETS = re.compile(r",(?![^(]*\))")
_LONGEST_DOMAIN = 253
_WHOLE_KEY = re.compile(_KEY)
_FORMS = (
    re.compile(rf"{_KEY}"),
    re.compile(rf"(?P<operator>!)\s*{_KEY}"),
    re.compile(rf"{_KEY}\s*(?P<operator>==?|!=|>|<)\s*(?P<value>[^\s,()=!<>]*)"),
    re.compile(rf"{_KEY}\s+(?P<operator>in|notin)\s*\((?P<values>[^()=!<>]*)\)"),
)


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """One condition on one label; the operators are Exists, !, =, !=, >, <, in and notin."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """True if the labels meet the requirement; an absent label meets `!`, `!=` and `notin`."""
        value = labels.get(self.key)
        if self.operator == "Exists":
            return value is not None
        if self.operator == "!":
            return value is None
        if self.operator in ("!=", "notin"):
            return value not in self.values
        if self.operator in (">", "<"):
            if value is None or not _WHOLE_NUMBER.fullmatch(value):
                return False
            bound = int(self.values[0])
            return int(value) > bound if self.operator == ">" else int(value) < bound
        return value in self.values


def is_key(text: str) -> bool:
    """True if a label or an annotation can have this key."""
    found = _WHOLE_KEY.fullmatch(text)
    return found is not None and len(found["domain"] or "") <= _LONGEST_DOMAIN


def is_value(text: str) -> bool:
    """True if a label can have this value."""
    return _VALUE.fullmatch(text) is not None


def parse_selector(text: str) -> tuple[Requirement, ...]:
    """The requirements of a selector, all of which must hold; none for an empty text. Raises ValueError."""
    if not text.strip():
        return ()
    return tuple(_requirement(part.strip(), text) for part in _COMMA_OUTSIDE_BRACKETS.split(text))


def selects(selector: tuple[Requirement, ...], labels: Mapping[str, str]) -> bool:
    """True if the labels meet every requirement."""
    return all(requirement.holds(labels) for requirement in selector)


def _requirement(part: str, text: str) -> Requirement:
    found = next(filter(None, (form.fullmatch(part) for form in _FORMS)), None)
    if found is None:
        raise ValueError(
            f"'{text}' is no label selector: '{part}' is none of key, !key, key=value, key!=value, key>1, key<1, "
            "key in (a, b), key notin (a, b)"
        )
    words = found.groupdict()
    operator = words.get("operator") or "Exists"
    values: tuple[str, ...] = ()
    if "values" in words:
        values = tuple(value.strip() for value in words["values"].split(","))
    elif "value" in words:
        values = (words["value"],)
    wrong = [value for value in values if not _VALUE.fullmatch(value)]
    if operator in (">", "<"):
        wrong = [value for value in values if not _WHOLE_NUMBER.fullmatch(value)]
    if values == ("",) and operator in ("in", "notin"):
        raise ValueError(f"'{text}' is no label selector: '{part}' names no value in its brackets")
    if wrong:
        raise ValueError(f"'{text}' is no label selector: '{wrong[0]}' in '{part}' is no value that a label can have")
    if len(words.get("domain") or "") > _LONGEST_DOMAIN:
        raise ValueError(f"'{text}' is no label selector: the key in '{part}' is longer than a label's may be")
    return Requirement(key=words["key"], operator="=" if operator == "==" else operator, values=values)
