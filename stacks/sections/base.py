"""Base class of every section of the stack config."""

from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from stacks.notation.forms import shown


class Section(BaseModel):
    """A section: keys in camel case, unknown keys refused, immutable once parsed."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, given: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[info.field_name or ""]
        if isinstance(given, bool) and _is_number(field.annotation):
            example = "" if field.default is None else f" such as {field.default}"
            raise ValueError(f"is {shown(given)}, must be a number{example}")
        return given


def _is_number(annotation: Any) -> bool:
    """True if a field is a number or an optional number."""
    if get_origin(annotation) is Annotated:
        return _is_number(get_args(annotation)[0])
    return annotation in (int, float) or any(map(_is_number, get_args(annotation)))
