"""Compares `docs/faults.md` with what the suite saw, once it has run; `--write` writes it."""

import difflib
import os
import sys

from tests import conftest  # noqa: F401 (says where the tests' lab is)
from tests.faults.catalogue import FAULTS
from tests.faults.document import FILE, document
from tests.faults.test_kills import TOLD

try:
    found = document([*(fault.id for fault in FAULTS), *TOLD, "state-lost"])
except FileNotFoundError as missing:
    sys.exit(f"error: fault {os.path.basename(missing.filename)} was not met: run the whole of tests/faults")  # noqa: PTH119
if "--write" in sys.argv:
    FILE.write_text(found)
written = FILE.read_text()
print(*difflib.unified_diff(written.splitlines(), found.splitlines(), lineterm="", n=0), sep="\n")  # noqa: T201


def without_words(text: str) -> list[str]:
    """The table less what was said, whose regular expression each test holds it to already."""
    return [f"{line.split(' | ')[0]} | {line.split(' | ')[-1]}" for line in text.splitlines()]


if without_words(written) != without_words(found):
    sys.exit("error: docs/faults.md is not what the suite saw: `make docs`, and look at the change")
