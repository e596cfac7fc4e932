"""Runs a program so that nothing of it is left when it, or this process, ends in any way."""

# Killed with us, even by `kill -9`, and what it has mounted is gone with it.
_PREFIX = ("setpriv", "--pdeathsig", "KILL", "--", "unshare", "--mount", "--propagation", "private")
_WITH_CHILDREN = ("--pid", "--fork", "--kill-child", "--mount-proc")


def contained(*command: str, has_children: bool) -> list[str]:
    """The command line that runs `command` in a mount namespace of its own; with children, these go when it goes.

    Signals to the process reach `command` itself only when `has_children` is not set.
    """
    return [*_PREFIX, *(_WITH_CHILDREN if has_children else ()), "--", *command]
