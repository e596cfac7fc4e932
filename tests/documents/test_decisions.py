"""The index of decisions has each of them once, by its number and its own title."""

import re

import pytest

from tests.documents.markdown import ROOT

FOLDER = ROOT / "docs" / "decisions"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.name not in ("README.md", "template.md"))
_ROW = re.compile(r"^\| (\d{4}) \| \[(.+)\]\((\S+)\) \|$", re.MULTILINE)


def test_each_has_a_number_of_its_own() -> None:
    assert [name for name in FILES if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name)] == []
    numbers = [name[:4] for name in FILES]
    assert sorted(set(numbers)) == numbers


def test_the_index_has_each_decision_in_order() -> None:
    rows = _ROW.findall((FOLDER / "README.md").read_text())
    assert [(number, name) for number, _, name in rows] == [(name[:4], name) for name in FILES]


@pytest.mark.parametrize("name", FILES)
def test_the_index_has_its_title(name: str) -> None:
    title = (FOLDER / name).read_text().partition("\n")[0].removeprefix("# ")
    assert (title, name) in [(told, file) for _, told, file in _ROW.findall((FOLDER / "README.md").read_text())]


def test_its_title_does_not_repeat_its_number() -> None:
    assert [name for name in FILES if re.match(r"# \d", (FOLDER / name).read_text())] == []
