"""Compares `docs/faults.md` with what the suite saw, once it has run; `--write` writes it, of all faults."""

import difflib
import os
import sys

from tests import conftest  # noqa: F401 (says where the tests' lab is)
from tests.faults.catalogue import FAULTS, MET
from tests.faults.document import FILE, as_written, document, seen
from tests.faults.test_kills import TOLD

if "--write" in sys.argv and len(MET) < len(FAULTS):
    sys.exit("error: a sample of the faults is no document: set EXHAUSTIVE=1 here and for tests/faults/test_faults.py")
written = FILE.read_text()
try:
    found = document(
        [
            *(
                seen(each.id) if each in MET else as_written(written, title=each.title, then=each.then)
                for each in FAULTS
            ),
            *(seen(each) for each in (*TOLD, "state-lost")),
        ]
    )
except FileNotFoundError as missing:
    sys.exit(f"error: fault {os.path.basename(missing.filename)} was not met: run the whole of tests/faults")  # noqa: PTH119
if "--write" in sys.argv:
    FILE.write_text(found)
    written = found
print(*difflib.unified_diff(written.splitlines(), found.splitlines(), lineterm="", n=0), sep="\n")  # noqa: T201


def without_words(text: str) -> list[str]:
    """The table less what was said, whose regular expression each test holds it to already."""
    return [f"{line.split(' | ')[0]} | {line.split(' | ')[-1]}" for line in text.splitlines()]


if without_words(written) != without_words(found):
    sys.exit("error: docs/faults.md is not what the suite saw: `make docs`, and look at the change")
