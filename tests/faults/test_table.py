"""The table of faults, as far as it is known without making them happen."""

import pytest

from tests.faults.catalogue import FAULTS, MET
from tests.faults.document import FILE, as_written
from tests.faults.fault import Fault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.id)
def test_each_fault_stands_in_the_document_with_its_end(fault: Fault) -> None:
    """Also one that this run's sample leaves out: only what was told of it is left to a run that meets it."""
    written = FILE.read_text()
    row = as_written(written, title=fault.title, then=fault.then)
    assert row in written.splitlines()
    assert "`" in row, "it says what is told"


def test_a_fault_that_the_document_lacks_is_no_row_of_it() -> None:
    assert as_written("| one | `told` | end |\n", title="another", then="end") == "| another |  | end |"
    assert as_written("| one | `told` | end |\n", title="one", then="other end") == "| one | `told` | other end |"


def test_every_sample_has_the_faults_that_lose_connections() -> None:
    assert {each.id for each in FAULTS if each.always} <= {each.id for each in MET}
    assert {"api-server-killed", "etcd-away", "traffic-lost-in-wave"} <= {each.id for each in MET}
