"""Errors in the stack config as lines for the operator: the key as it is written, the fact, the remedy."""

import types
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import EnumMeta
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined

from stacks.notation.forms import Faults, KeyFault, shown
from stacks.notation.nearest import nearest

_NUMBERS = {"int_parsing", "int_type", "int_from_float", "float_parsing", "float_type", "finite_number"}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_NOT_SHOWN = "[secret]"  # as the engine writes it
_FOLLOWS_ANOTHER = "default_factory_not_called"  # its default needs a setting that is wrong itself
_GROUPS = {"model_type", "model_attributes_type", "dict_type"}


class ConfigError(Exception):
    """The stack config is not valid; the text has one line for each fault."""


def key_of(path: Sequence[int | str]) -> str:
    """The path of a setting as `pulumi config set --path` takes it: `waves[0][1]`, `cilium.podCidr`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def lines_of(
    error: ValidationError, model: type[BaseModel], *, together: bool, secret: Collection[str] = ()
) -> list[str]:
    """One line for each fault; faults that concern several keys are included only if `together`.

    The value is not shown if the key is one of the `secret` ones, or its setting is a credential.
    """
    told = [fault for fault in error.errors() if fault["type"] != _FOLLOWS_ANOTHER and (fault["loc"] or together)]
    return [line for fault in told for line in _lines(fault, model, secret)]


def unknown_key(key: str, model: type[BaseModel]) -> str:
    """The error line for a key of the stack that the program does not have."""
    if any(sign in key for sign in ".["):
        return f"config '{key}': is one key with '{'.' if '.' in key else '['}' in its name, which sets nothing: " + (
            f"`pulumi config rm '{key}'`, then {_set(key)}"
        )
    return f"config {key}: {_no_such(key, model, model)}"


def _set(key: str, value: str = "VALUE") -> str:
    return f"`pulumi config set --path '{key}' {value}`"


def _first(wanted: Any) -> str:
    """The index of the first value of a list, however deeply lists are nested."""
    depth = ""
    while get_origin(wanted) is list:
        depth, wanted = f"{depth}[0]", _bare(get_args(wanted)[0])
    return depth


def _rm(key: str) -> str:
    return f"`pulumi config rm --path '{key}'`"


def _lines(fault: ErrorDetails, model: type[BaseModel], secret: Collection[str]) -> Iterator[str]:
    raised = fault.get("ctx", {}).get("error")
    for each in raised.faults if isinstance(raised, Faults) else [raised]:
        path = [part for part in fault["loc"] if part != "[key]"]
        if isinstance(each, KeyFault):
            yield f"config {key_of([*path, each.key])}: {each}"
        else:
            hidden = bool(path) and path[0] in secret
            yield f"config{' ' * bool(path)}{key_of(path)}: {_said(fault, path, model, hidden=hidden)}"


def _said(fault: ErrorDetails, path: Sequence[int | str], model: type[BaseModel], *, hidden: bool) -> str:
    kind, given, context = fault["type"], fault["input"], fault.get("ctx", {})
    wanted, field = _wanted(path, model)
    hidden = hidden or _holds_credential(wanted)
    seen = _NOT_SHOWN if hidden else shown(given)
    key = key_of(path)
    if "[key]" in fault["loc"]:
        known = _choices(_key_type(_wanted(path[:-1], model)[0]))
        return _no_such_of(str(path[-1]), known)
    if kind == "extra_forbidden":
        section = _wanted(path[:-1], model)[0] if path[:-1] else model
        return _no_such(str(path[-1]), section, model)
    if kind in ("enum", "literal_error"):
        return _not_one_of(seen, context.get("known") or _choices(wanted), meant="" if hidden else given)
    if kind in _NUMBERS:
        what = "a whole number" if kind.startswith("int") else "a number"
        return f"is {seen}, must be {what}{_such_as(field)}"
    if kind.startswith("bool"):
        return f"is {seen}, must be true or false"
    if kind == "string_type":
        return f"is {seen}, must be a text{_such_as(field)}: in the stack's file put it in quotes"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"is {seen}, must be {words} {context[name]}{_such_as(field)}"
    if kind == "list_type":
        one = "VALUE" if hidden else _one_of(given)
        if path and isinstance(path[-1], int):  # removing it would move up the values after it
            return f"is {seen}, must be a list: in the stack's file write [{one}]"
        return f"is {seen}, must be a list: {_rm(key)}, then {_set(key + _first(wanted), one)}"
    if kind in _GROUPS:
        names = _aliases(wanted)
        first = names[0] if names else "NAME"
        return f"is {seen}, must have settings in it: {_rm(key)}, then {_set(f'{key}.{first}')}"
    if kind == "missing":
        return f"is needed here: {_set(key)}"
    if kind == "value_error":
        return str(context["error"]).replace(shown(given), seen)
    return f"is {seen}, which cannot be used: {fault['msg'][:1].lower()}{fault['msg'][1:]}"


def not_one_of(given: str, known: Sequence[str]) -> str:
    """The fact that a text is none of those known, and the one that was probably meant."""
    return _not_one_of(shown(given), known, meant=given)


def _no_such(name: str, section: Any, model: type[BaseModel]) -> str:
    known = _aliases(section)
    meant = nearest(name, known)
    # A known setting at the wrong level, which is as common as a typing error.
    elsewhere = [path for path in _paths(model) if path.rpartition(".")[2].lower() == name.lower()]
    if not meant and elsewhere:
        return f"there is no such setting; did you mean {' or '.join(elsewhere[:3])}?"
    return _no_such_of(name, known)


def _no_such_of(name: str, known: Sequence[str]) -> str:
    meant = nearest(name, known)
    if meant:
        return f"there is no such setting; did you mean {meant}?"
    return f"there is no such setting; the settings are {', '.join(sorted(known))}"


def _not_one_of(seen: str, known: Sequence[str], *, meant: Any) -> str:
    meant = nearest(meant, known) if isinstance(meant, str) else ""
    return f"{seen} is not one of {', '.join(f'{each!r}' for each in known)}" + (
        f"; did you mean '{meant}'?" if meant else ""
    )


def _one_of(given: Any) -> str:
    return given if isinstance(given, str) and given and " " not in given else "VALUE"


def _such_as(field: FieldInfo | None) -> str:
    default = field.default if field else None
    if default in (None, "", PydanticUndefined) or isinstance(default, BaseModel | Mapping | list):
        return ""
    return f" such as {default}"


def _wanted(path: Sequence[int | str], model: type[BaseModel]) -> tuple[Any, FieldInfo | None]:
    """The type expected at a path and, if the path is a section's own setting, its field."""
    here: Any = model
    field: FieldInfo | None = None
    for part in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            fields = {_alias(name, each): each for name, each in here.model_fields.items()}
            field = fields.get(str(part)) or here.model_fields.get(str(part))
            here = _bare(field.annotation) if field else None
        else:
            arguments = get_args(here)
            here, field = (_bare(arguments[-1]) if arguments else None), None
    return here, field


def _bare(annotation: Any) -> Any:
    """A type without its annotations, and without None."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        others = [each for each in get_args(annotation) if each is not type(None)]
        return _bare(others[0])
    return annotation


def _key_type(mapping: Any) -> Any:
    return _bare((get_args(mapping) or (None,))[0])


def _holds_credential(wanted: Any) -> bool:
    """True if a setting is a credential, or a section with one in it."""
    if isinstance(wanted, type) and issubclass(wanted, BaseModel):
        return any(_holds_credential(_bare(field.annotation)) for field in wanted.model_fields.values())
    return wanted is SecretStr


def _choices(wanted: Any) -> list[str]:
    if get_origin(wanted) is Literal:
        return [str(each) for each in get_args(wanted)]
    return [str(each.value) for each in list[Any](wanted)] if isinstance(wanted, EnumMeta) else []


def _alias(name: str, field: FieldInfo) -> str:
    return field.alias or to_camel(name)


def _aliases(section: Any) -> list[str]:
    if isinstance(section, type) and issubclass(section, BaseModel):
        return [_alias(name, each) for name, each in section.model_fields.items()]
    return _choices(_key_type(section))


def _paths(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Every setting of the model and of its sections."""
    for name, field in model.model_fields.items():
        path = f"{before}{_alias(name, field)}"
        yield path
        inner = _bare(field.annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _paths(inner, f"{path}.")
