"""Runs a program in namespaces that disappear with it, or with this process, however either ends."""

# Killed with this process, even by `kill -9`; its mounts disappear with it.
_PREFIX = ("setpriv", "--pdeathsig", "KILL", "--", "unshare", "--mount", "--propagation", "private")
_WITH_CHILDREN = ("--pid", "--fork", "--kill-child", "--mount-proc")


def contained(*command: str, has_children: bool) -> list[str]:
    """The command line that runs `command` in its own mount namespace; with `has_children` these end with it.

    Signals to the process reach `command` itself only when `has_children` is not set.
    """
    return [*_PREFIX, *(_WITH_CHILDREN if has_children else ()), "--", *command]
