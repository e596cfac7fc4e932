"""A CNI is named in components/sources alone: other modules have no identifier and no text with its name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from scripts.lab.paths import CHECKOUT

NAMES = re.compile(r"flannel|canal(?!y)|calico|tigera|weave|kindnet|kube-router|antrea", re.IGNORECASE)
# Calico's policy language is translated there.
OWN_LANGUAGE = "stacks.policies."
# Text for operators that says what they see in their cluster, such as the reason of a check.
TEXT = {
    "components.addresses.nodes", "components.addresses.services", "components.checks.cluster.general",
    "components.checks.network.autodetection",
    "components.checks.cluster.distribution", "components.checks.network.encryption",
    "components.checks.network.cni_owners",
    "components.checks.cluster.outsiders", "components.checks.network.policies",
    "components.checks.network.old_cni_settings",
    "components.checks.nodes.unrecognised",
}  # fmt: skip
# Code that is still to be told by the registry; what is taken out of this list does not come back.
CODE = {
    "components.addresses.pods", "components.addresses.policies", "components.checks.catalogue",
    "components.operations.addresses.fixed_address_annotations", "components.operations.addresses.pool_kinds",
    "components.operations.objects.other_policies", "components.operations.objects.policy_kinds",
    "components.operations.observing", "components.operations.snapshot", "components.policies",
    "components.policy_engines", "components.providers.source_preparation",
}  # fmt: skip
# Names of others' that look alike: kured's lock, and links that nodes may have.
ALIKE = {"components.checks.cluster.node_managers", "stacks.settle.other_devices"}


def names_in(text: str) -> Iterator[str]:
    """Identifiers and strings with a CNI's name in them; docstrings and comments are for readers."""
    tree = ast.parse(text)
    described = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if id(node) in described:
            continue
        said = [value for _, value in ast.iter_fields(node) if isinstance(value, str)]
        yield from (each for each in said if NAMES.search(each))


def modules() -> Iterator[tuple[str, Path]]:
    for folder in ("components", "stacks"):
        for file in sorted((CHECKOUT / folder).rglob("*.py")):
            yield ".".join(file.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__"), file


def test_no_other_module_names_a_cni() -> None:
    naming = {
        name
        for name, file in modules()
        if not name.startswith(("components.sources", OWN_LANGUAGE)) and any(names_in(file.read_text()))
    }
    assert naming - TEXT - CODE - ALIKE == set(), "these belong in components/sources"
    assert (TEXT | CODE | ALIKE) - naming == set(), "these are clean now: take them off the list"


def test_a_name_is_found_in_code_and_in_text_and_not_in_what_readers_are_told() -> None:
    assert [*names_in('"""Of Calico."""\n# Calico\nx = 1\n')] == []
    assert [*names_in('x = f"{y} of Calico"\ncalico = 1\nimport a.flannel\n')] == ["calico", "a.flannel", " of Calico"]
