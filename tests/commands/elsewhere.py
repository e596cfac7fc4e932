"""Commands that need no test of their own, with the reason; and those that no test types."""

from collections.abc import Collection

from tests.commands.printed import executed_by_tests, printed

# The text of a command, and why none is marked to execute it.
ELSEWHERE = {
    "pulumi up": "the program itself: each fault of tests/faults is mended by it, as each of them says",
    "pulumi preview": "the program itself: tests/engine and tests/faults preview wherever they are",
    "pulumi refresh": "tests/faults refreshes after kills inside Helm and after drift, as it is told",
    "pulumi destroy": "tests/engine takes phase secondary back by it",
    "pulumi config set phase migrate": "tests/checks types it with the phase that each gate's finding names",
    ".venv/bin/python -m scripts.rbac --write": "tests/checks/commands/test_rbac compares docs/rbac with it",
    ".venv/bin/pip install --require-hashes -r requirements.lock": "`make venv` installs the longer list so",
}


def untyped(folder: str, *, typed: Collection[str] = ()) -> list[str]:
    """Commands printed by files whose path begins so that neither were `typed` nor are typed by a test of their own."""
    marked = executed_by_tests()
    return [
        f"{each.text} ({', '.join(sorted(each.files))})"
        for each in printed().values()
        if any(file.startswith(folder) for file in each.files)
        and each.text not in marked
        and each.text not in ELSEWHERE
        and not any(map(each.fits, typed))
    ]


def stale() -> list[str]:
    """Marks and reasons for what nothing prints any more."""
    texts = set(printed())
    return [text for text in {**executed_by_tests(), **ELSEWHERE} if text not in texts]
