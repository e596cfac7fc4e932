"""The config sections `drain` and `restart`: how a node is emptied, and how its pods come to the new network."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from stacks.notation.forms import KeyFault
from stacks.notation.labels import parse_selector
from stacks.sections.base import Section
from stacks.sections.seconds import Seconds


class RestartMethod(StrEnum):
    """Ways to move a node's pods to the new network once its Cilium agent has taken over."""

    RECYCLE = "recycle"
    REBOOT = "reboot"
    COMMAND = "command"
    NONE = "none"


class DrainSettings(Section):
    """Settings of a node's drain; names and meanings are those of `kubectl drain` where it has the same option."""

    timeout_seconds: Seconds = 600
    grace_period_seconds: Annotated[int, Field(ge=0)] | None = None
    pod_selector: str = ""
    force: bool = False
    delete_empty_dir_data: bool = False
    disable_eviction: bool = False
    skip_wait_for_delete_seconds: Annotated[int, Field(ge=0)] = 0
    wait_for_replacements: bool = True
    replacements_timeout_seconds: Seconds = 300
    in_place: bool = False

    @field_validator("pod_selector")
    @classmethod
    def _is_selector(cls, text: str) -> str:
        parse_selector(text)
        return text


class RestartSettings(Section):
    """Settings of the step that restarts a node's pods, between the agent's restart and the verification."""

    method: RestartMethod = RestartMethod.RECYCLE
    command: str = ""
    timeout_seconds: Seconds = 600

    @model_validator(mode="after")
    def _command_fits(self) -> "RestartSettings":
        if self.method is RestartMethod.COMMAND and "{node}" not in self.command:
            raise KeyFault(
                "command", "has no {node} in it, which method 'command' needs: such as 'docker restart {node}'"
            )
        if self.method is not RestartMethod.COMMAND and self.command:
            raise KeyFault("command", f"is set, but method is '{self.method}': set method to 'command' or remove it")
        return self
