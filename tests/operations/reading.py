"""Finds the commands that an error prints, and executes them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from components.operations.deadline import OperationError
from scripts.lab.simulated.control_plane import ControlPlane
from tests.commands.printed import commands_in
from tests.remedies import type_in


@dataclass
class Reader:
    """A reader of an error who types what it says, `pulumi` aside, which would go on with the work."""

    plane: ControlPlane

    def shown(self, act: Callable[[], object]) -> str:
        """The output of the commands in the error that is raised here."""
        with pytest.raises(OperationError) as caught:
            act()
        return self.does(str(caught.value))

    def does(self, text: str) -> str:
        """Type the commands of a text; what they print."""
        commands = [each for each in commands_in(text) if not each.startswith("pulumi ")]
        assert commands, text
        return "\n".join(type_in(each, plane=self.plane) for each in commands)
