"""The issue forms are as GitHub takes them, and the hooks are the linters of `make lint`."""

import re
from typing import Any

import pytest
import yaml

from tests.documents.markdown import ROOT

FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_has_what_every_form_needs(path: Any) -> None:
    form = yaml.safe_load(path.read_text())
    assert {"name", "description", "body"} <= form.keys()
    ids = [each["id"] for each in form["body"]]
    assert len(ids) == len(set(ids))
    assert all(each["type"] in ("input", "textarea", "dropdown", "checkboxes") for each in form["body"])
    assert all(each["attributes"]["label"] for each in form["body"])
    assert any(each.get("validations", {}).get("required") for each in form["body"])


def test_the_hooks_are_the_linters_of_make_lint() -> None:
    _, _, recipe = (ROOT / "Makefile").read_text().partition("\nlint:")
    linters = re.findall(r"^\t@(\.venv/bin/.+)$", recipe.partition("\n\n")[0], re.MULTILINE)
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repo["repo"] == "local"
    assert [hook["entry"] for hook in repo["hooks"]] == linters
