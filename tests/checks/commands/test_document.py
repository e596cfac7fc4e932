"""`docs/checks.md` is what the catalogue says."""

from scripts.check.document import FILE, document


def test_it_is_up_to_date() -> None:
    assert FILE.read_text() == document(), "run `make docs`, and look at the change"
