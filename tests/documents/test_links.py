"""Every link in the documents leads somewhere, and every document can be reached from the README."""

from pathlib import Path

import pytest

from tests.documents.markdown import ROOT, anchors, documents, links


@pytest.mark.parametrize("file", documents(), ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_exist(file: Path) -> None:
    assert [fault for link in links(file) if (fault := link.fault())] == []


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        file = ahead.pop()
        if file in reached:
            continue
        reached.add(file)
        if file.suffix == ".md":
            ahead += [link.path for link in links(file)]
        elif (file / "README.md").exists():
            ahead.append(file / "README.md")
    pages = [file for file in documents() if ".github" not in file.parts]
    assert [str(file.relative_to(ROOT)) for file in pages if file not in reached] == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# One `two`, three!\n\n## Again\n\n## Again\n")
    page = tmp_path / "a.md"
    page.write_text(
        "[good](b.md#one-two-three) [again](b.md#again-1) [file](c.md) [heading](b.md#four) [here](#away)\n"
        "[elsewhere](https://example.org/x.md) `[code](d.md)`\n```\n[block](e.md)\n```\n"
    )
    faults = [fault for link in links(page, root=tmp_path) if (fault := link.fault())]
    assert faults == [
        "a.md: there is no c.md",
        "a.md: b.md#four has no such heading",
        "a.md: #away has no such heading",
    ]


def test_a_comment_in_a_code_block_is_no_heading() -> None:
    assert anchors("# Title\n```\n# no title\n```\n") == {"title"}
