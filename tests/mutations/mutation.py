"""One mutation of the source: a fault put in by hand, that a test of the fast tier must catch."""

from dataclasses import dataclass
from pathlib import Path

COMPONENTS = "components"


class MutationError(Exception):
    """A mutation that is none: its text is not in the source, or is there more than once."""


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """`old` in a file of `components` becomes `new`; `stands_for` is the fault that it brings."""

    id: str
    file: str
    old: str
    new: str
    stands_for: str
    tests: tuple[str, ...]

    def applied_to(self, checkout: Path) -> str:
        """The file's text with the fault in it. Raises MutationError where the source has moved on."""
        path = checkout / COMPONENTS / self.file
        text = path.read_text() if path.is_file() else ""
        if (found := text.count(self.old)) != 1:
            raise MutationError(
                f"mutation {self.id}: its old text is {found} times in {COMPONENTS}/{self.file} and must be there "
                "once: give it the text that the source has now"
            )
        return text.replace(self.old, self.new)
