"""Property values in the engine's protocol: plain values, secrets, values not known yet, and text files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from google.protobuf.struct_pb2 import ListValue, Struct, Value

# The marks that the engine's protocol puts on a value that is not plain JSON.
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (a mark)
_ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
_UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWN_TEXTS: Final = frozenset(
    {
        _UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
_LARGEST_EXACT_INTEGER = 2**53


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts in its state and hides on the terminal."""

    value: Any


class _Unknown:
    """The singleton for values that a preview does not know yet."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = _Unknown()


@dataclass(frozen=True)
class TextFile:
    """A file or text given as a Pulumi asset."""

    path: str = ""
    text: str | None = None

    def read(self) -> str:
        """The content."""
        return self.text if self.text is not None else Path(self.path).read_text()


def read(struct: Struct) -> dict[str, Any]:
    """The properties of a message, without null ones."""
    return {key: _read(value) for key, value in struct.fields.items() if value.WhichOneof("kind") != "null_value"}


def _read(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _read_object(read(value.struct_value))
        case "list_value":
            return [_read(item) for item in value.list_value.values]
        case "string_value":
            return UNKNOWN if value.string_value in _UNKNOWN_TEXTS else value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) < _LARGEST_EXACT_INTEGER else number
        case "bool_value":
            return value.bool_value
    return None


def _read_object(content: dict[str, Any]) -> Any:
    match content.get(_SIGNATURE):
        case str() as mark if mark == _SECRET:
            return Secret(content.get("value"))
        case str() as mark if mark == _ASSET:
            return TextFile(path=content.get("path", ""), text=content.get("text"))
    return content


def write(content: Mapping[str, Any]) -> Struct:
    """The message for the given properties."""
    return Struct(fields={key: _write(value) for key, value in content.items() if value is not None})


def _write(value: Any) -> Value:
    match value:
        case None:
            return Value(null_value=0)  # type: ignore[arg-type]
        case _Unknown():
            return Value(string_value=_UNKNOWN_TEXT)
        case Secret(inner):
            return Value(struct_value=Struct(fields={_SIGNATURE: Value(string_value=_SECRET), "value": _write(inner)}))
        case TextFile():
            return Value(struct_value=write({_SIGNATURE: _ASSET, "path": value.path or None, "text": value.text}))
        case bool():
            return Value(bool_value=value)
        case int() | float():
            return Value(number_value=float(value))
        case str():
            return Value(string_value=value)
        case Mapping():
            return Value(struct_value=write(value))
        case list() | tuple():
            return Value(list_value=ListValue(values=[_write(item) for item in value]))
    raise TypeError(f"{type(value).__name__} is no property value")


def plain(value: Any) -> Any:
    """The value with every secret unwrapped."""
    match value:
        case Secret(inner):
            return plain(inner)
        case Mapping():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
    return value


def holds_unknown(value: Any) -> bool:
    """True if anything in the value is not known yet."""
    match value:
        case _Unknown():
            return True
        case Secret(inner):
            return holds_unknown(inner)
        case Mapping():
            return any(holds_unknown(item) for item in value.values())
        case list():
            return any(holds_unknown(item) for item in value)
    return False


def holds_secret(value: Any) -> bool:
    """True if anything in the value is secret."""
    match value:
        case Secret():
            return True
        case Mapping():
            return any(holds_secret(item) for item in value.values())
        case list():
            return any(holds_secret(item) for item in value)
    return False


def with_secrets_of(outputs: Any, inputs: Any) -> Any:
    """The outputs, marked secret where the inputs at the same path are; a list with a secret is marked as a whole."""
    match outputs, inputs:
        case Secret(), _:
            return outputs
        case _, Secret():
            return Secret(outputs)
        case Mapping(), Mapping():
            return {key: with_secrets_of(item, inputs.get(key)) for key, item in outputs.items()}
        case list(), list() if holds_secret(inputs):
            return Secret(outputs)
    return outputs
