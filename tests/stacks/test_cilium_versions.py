"""The table of versions says what Cilium's own documentation of each release says."""

import re

import pytest

from scripts.lab.toolchain.build import download_module
from stacks.cilium_versions import REQUIREMENTS, Minor, minor_of, shown

_RELEASES = ("1.16.19", "1.17.6", "1.18.6", "1.19.7", "1.20.2")


@pytest.mark.apiserver  # as it needs the Go tool
@pytest.mark.parametrize("release", _RELEASES)
def test_the_table_is_the_documentations(release: str) -> None:
    documentation = download_module("github.com/cilium/cilium", f"v{release}") / "Documentation"
    needs = REQUIREMENTS[minor_of(release)]
    page = (documentation / "network/kubernetes/compatibility.rst").read_text()
    row = re.search(r"^\| ((?:\d+\.\d+, )+\d+\.\d+)", page, re.MULTILINE)
    assert row
    tested = [minor_of(each) for each in row[1].split(", ")]
    assert (tested[0], tested[-1]) == needs.kubernetes
    assert [(1, minor) for minor in range(tested[0][1], tested[-1][1] + 1)] == tested
    kernel = re.search(
        r">= (\d+\.\d+) or equivalent", (documentation / "operations/system_requirements.rst").read_text()
    )
    assert kernel
    assert minor_of(kernel[1]) == needs.kernel


@pytest.mark.parametrize(("version", "tested"), [((1, 26), False), ((1, 27), True), ((1, 30), True), ((1, 31), False)])
def test_the_ends_of_a_range_are_in_it(version: Minor, tested: bool) -> None:
    assert REQUIREMENTS[1, 16].tests(version) is tested
    assert shown(version) == f"1.{version[1]}"
