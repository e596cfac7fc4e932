"""A folder with links to this checkout's program, in which one worker's engines run."""

from contextlib import suppress
from pathlib import Path

from scripts.lab.paths import CHECKOUT

_LINKED = ("__main__.py", "Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.simulated.yaml", "pyproject.toml")
_LINKED_FOLDERS = ("components", "stacks", "scripts", ".venv", ".lab")


def own_program(worker: str) -> Path:
    """The folder of this name, made if it isn't there; what engines write beside a program stays in it."""
    folder = CHECKOUT / ".lab" / "programs" / worker  # not in the tests' lab, which is made anew
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*_LINKED, *_LINKED_FOLDERS):
        with suppress(FileExistsError):
            (folder / name).symlink_to(CHECKOUT / name)
    return folder
