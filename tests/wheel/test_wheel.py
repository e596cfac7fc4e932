"""The wheel holds what operators run and needs nothing of what developers need."""

import zipfile
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import Requirement

from tests.wheel.project import ROOT, wanted


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata(wheel: Path) -> tuple[str, list[str]]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        read = HeaderParser().parsestr(archive.read(name).decode())
    return str(read["License-Expression"]), read.get_all("Requires-Dist") or []


def test_it_depends_on_the_runtime_requirements_alone(wheel: Path) -> None:
    licence, needed = metadata(wheel)
    assert licence == "Apache-2.0"
    assert {str(Requirement(each)) for each in needed} == {str(each) for each in wanted("requirements.in")}


def test_it_has_every_file_of_the_packages_that_are_no_lab(wheel: Path) -> None:
    scripts = [path for path in (ROOT / "scripts").iterdir() if path.is_dir()]
    folders = [ROOT / "components", ROOT / "stacks", *scripts]
    product = [folder for folder in folders if folder.name not in ("lab", "bench", "__pycache__")]
    expected = {
        str(file.relative_to(ROOT))
        for folder in product
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    inside = names(wheel)
    assert expected - inside == set()
    assert [name for name in inside if name.startswith(("scripts/lab", "scripts/bench", "tests/"))] == []


def test_it_brings_the_program_and_the_licence(wheel: Path) -> None:
    ends = ("/share/cilium-live-migration/Pulumi.yaml", "/share/cilium-live-migration/__main__.py", "/LICENSE")
    assert [end for end in ends if not any(name.endswith(end) for name in names(wheel))] == []
