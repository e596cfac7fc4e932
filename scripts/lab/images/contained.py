"""Runs a program so that nothing of it is left when it, or this process, ends in any way."""

_PREFIX = (
    # Killed with us, even by `kill -9`,
    "setpriv", "--pdeathsig", "KILL", "--",
    # with all its children and everything that they have mounted.
    "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "--",
)


def contained(*command: str) -> list[str]:
    """The command line that runs `command` in mount and process namespaces of its own."""
    return [*_PREFIX, *command]
