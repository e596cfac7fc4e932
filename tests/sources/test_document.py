"""The document of known clusters is what the tests try."""

from tests.sources.document import FILE, document


def test_it_is_up_to_date() -> None:
    assert FILE.read_text() == document(), "`make docs` writes it"
