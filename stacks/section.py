"""What every section of the stack config has in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from stacks.forms import shown


class Section(BaseModel):
    """Keys in camel case, none that is not known, nothing that changes after it was read."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, given: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[info.field_name or ""]
        if isinstance(given, bool) and field.annotation in (int, float):
            raise ValueError(f"is {shown(given)}, must be a number such as {field.default}")
        return given
