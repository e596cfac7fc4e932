"""Makes each mutation in turn and tells which test catches it; words given select those whose id has one of them.

Ends with 1 if one survived, with 2 if one could not be made or its tests could not be run.
"""

import sys
import tempfile
from pathlib import Path

from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutation import MutationError
from tests.mutations.trial import judge, run_tests, scratch_copy


def main(words: list[str]) -> int:
    """The table, a line as each is known."""
    chosen = [each for each in MUTATIONS if not words or any(word in each.id for word in words)]
    if not chosen:
        raise MutationError(f"no mutation has {' or '.join(words)} in its id")
    survived = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = scratch_copy(Path(folder))
        healthy = run_tests(scratch, sorted({test for each in chosen for test in each.tests}))
        if healthy.caught_by:
            raise MutationError(f"{healthy.caught_by} fails without any mutation: mend that first")
        width = max(len(each.id) for each in chosen)
        print(f"{'mutation':{width}}  seconds  caught by")  # noqa: T201
        for each in chosen:
            verdict = judge(each, scratch)
            if not verdict.caught_by:
                survived.append(each)
            said = verdict.caught_by or f"SURVIVED: {each.stands_for}"
            print(f"{each.id:{width}}  {verdict.seconds:7.1f}  {said}", flush=True)  # noqa: T201
    print(f"{len(chosen) - len(survived)} of {len(chosen)} mutations caught")  # noqa: T201
    return 1 if survived else 0


try:
    sys.exit(main(sys.argv[1:]))
except MutationError as error:
    print(f"error: {error}", file=sys.stderr)  # noqa: T201
    sys.exit(2)
