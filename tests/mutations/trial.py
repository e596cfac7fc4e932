"""The tests' verdict on a source with one fault in it, in a scratch copy of the checkout."""

import compileall
import py_compile
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.lab.paths import CHECKOUT
from tests.mutations.mutation import COMPONENTS, Mutation, MutationError

_FAST = re.compile(r'^test-fast:.*\n.*-m "([^"]+)"', re.MULTILINE)
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
_TESTS_FAILED, _ALL_PASSED = 1, 0
_A_TEST_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`caught_by` is the test that failed, empty if none did."""

    caught_by: str
    seconds: float


def scratch_copy(folder: Path) -> Path:
    """All of the checkout but what git ignores, compiled such that a change of a file's text is seen at once."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=CHECKOUT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, folder / name)
    compileall.compile_dir(folder, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    return folder


def fast_tier() -> str:
    """Which tests `make test-fast` selects."""
    found = _FAST.search((CHECKOUT / "Makefile").read_text())
    if found is None:
        raise MutationError("Makefile: target test-fast has no -m any more, by which the fast tests are known")
    return found[1]


def run_tests(scratch: Path, tests: Sequence[str]) -> Verdict:
    """Run tests of the fast tier until one fails. Raises MutationError if they cannot even be run."""
    began = time.monotonic()
    command = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-x",
        "-q",
        "--tb=no",
        "--show-capture=no",
        "-p",
        "no:cacheprovider",
    ]
    command += [f"--timeout={_A_TEST_SECONDS}", "-m", fast_tier(), *tests]
    done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
    failed = _FAILED.search(done.stdout)
    if done.returncode not in (_ALL_PASSED, _TESTS_FAILED) or (failed is None) != (done.returncode == _ALL_PASSED):
        raise MutationError(
            f"{' '.join(tests)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return Verdict(caught_by=failed[1] if failed else "", seconds=time.monotonic() - began)


def judge(mutation: Mutation, scratch: Path) -> Verdict:
    """Put the fault into the scratch copy, run its tests, take it out again."""
    file = scratch / COMPONENTS / mutation.file
    before = file.read_text()
    file.write_text(mutation.applied_to(scratch))
    try:
        return run_tests(scratch, mutation.tests)
    finally:
        file.write_text(before)
