"""The system calls that Python 3.11 has no function for, by the names of the manual pages."""

import ctypes
import os
import signal

NEW_MOUNT = 0x00020000
NEW_CGROUP = 0x02000000
NEW_HOSTNAME = 0x04000000
NEW_IPC = 0x08000000
NEW_PID = 0x20000000
NEW_NETWORK = 0x40000000

READ_ONLY = 1
NO_SUID = 2
NO_DEVICES = 4
NO_EXEC = 8
REMOUNT = 32
BIND = 4096
RECURSIVE = 16384
PRIVATE = 1 << 18
SHARED = 1 << 20

DETACH = 2

RESTART = 0x01234567
POWER_OFF = 0x4321FEDC

_CLONE3 = 435  # the same on every architecture
_PARENT_DEATH_SIGNAL = 1

# PyDLL and not CDLL: the interpreter lock stays held during the call, so that a child of clone() holds it too.
_libc = ctypes.PyDLL(None, use_errno=True)


class _CloneArguments(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint64)
        for name in ("flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size", "tls")
    ]


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _text(value: str | os.PathLike[str] | None) -> bytes | None:
    return None if value is None else os.fsencode(value)


def mount(
    source: str | os.PathLike[str] | None,
    target: str | os.PathLike[str],
    *,
    kind: str | None = None,
    flags: int = 0,
    options: str | None = None,
) -> None:
    """mount(2)."""
    result = _libc.mount(_text(source), _text(target), _text(kind), ctypes.c_ulong(flags), _text(options))
    _checked(result, f"mount {kind or source or ''} on {target}")


def unmount(target: str | os.PathLike[str], *, flags: int = 0) -> None:
    """umount2(2)."""
    _checked(_libc.umount2(_text(target), flags), f"unmount {target}")


def pivot_root_here() -> None:
    """Make the working directory the root and unmount the old one."""
    _checked(_libc.pivot_root(b".", b"."), "pivot_root")
    unmount(".", flags=DETACH)
    os.chdir("/")


def unshare(flags: int) -> None:
    """unshare(2)."""
    _checked(_libc.unshare(flags), "unshare")


def clone(flags: int) -> int:
    """Fork into new namespaces: 0 in the child, its process id in the parent.

    Only for a process with a single thread, whose child soon runs another program.
    """
    arguments = _CloneArguments(flags=flags, exit_signal=signal.SIGCHLD)
    result = _libc.syscall(ctypes.c_long(_CLONE3), ctypes.byref(arguments), ctypes.c_size_t(ctypes.sizeof(arguments)))
    return _checked(result, "clone")


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, however it ends."""
    _checked(_libc.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0), "prctl")


def reboot(command: int) -> None:
    """reboot(2); inside a process-id namespace the kernel kills that namespace's first process instead."""
    _checked(_libc.reboot(ctypes.c_int(ctypes.c_int32(command & 0xFFFFFFFF).value)), "reboot")
