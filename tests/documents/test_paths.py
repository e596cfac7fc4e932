"""Files and make targets that the documents for contributors name are there."""

import re

import pytest

from tests.documents.markdown import ROOT

PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md")
_PATH = re.compile(r"`((?:components|stacks|scripts|tests|docs)/[\w./-]+|[\w.-]+\.(?:in|lock|yaml|toml|py))`")


def text(page: str) -> str:
    return (ROOT / page).read_text()


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_it_names_exists(page: str) -> None:
    named = _PATH.findall(text(page))
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "docs/lab.md", "docs/install.md", "docs/benchmarks.md"]
)
def test_every_make_target_that_it_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text(page), re.MULTILINE))
    assert named - targets == set()


def test_ci_runs_the_command_of_the_readme() -> None:
    assert "make test " in text("README.md")
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("exec make test")


def test_the_readme_is_two_screens() -> None:
    assert len(text("README.md").splitlines()) <= 90
