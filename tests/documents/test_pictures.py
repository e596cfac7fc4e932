"""The pictures are as their programs draw them, and as the program is."""

import configparser
import re
from xml.etree import ElementTree as ET

import pytest

from tests.documents.layers import LAYERS
from tests.documents.markdown import ROOT
from tests.documents.pictures import FOLDER, PICTURES
from tests.documents.turn_picture import AFTER, BEFORE

_SPACE = {"svg": "http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("name", PICTURES)
def test_it_is_as_drawn(name: str) -> None:
    assert (FOLDER / name).read_text() == PICTURES[name](), "`python -m tests.documents.pictures` draws it anew"


def test_there_is_no_picture_that_nobody_draws() -> None:
    assert {path.name for path in FOLDER.iterdir()} == PICTURES.keys()


@pytest.mark.parametrize("name", PICTURES)
def test_everything_is_within_its_frame(name: str) -> None:
    drawing = ET.fromstring(PICTURES[name]())
    _, _, width, height = (float(each) for each in drawing.attrib["viewBox"].split())
    for shape in drawing.iterfind("svg:rect", _SPACE):
        at = {key: float(shape.get(key) or 0) for key in ("x", "y", "width", "height")}
        assert 0 <= at["x"] <= at["x"] + at["width"] <= width
        assert 0 <= at["y"] <= at["y"] + at["height"] <= height


def test_every_layer_is_a_folder_or_file() -> None:
    assert [part.path for row in LAYERS for part in row if not (ROOT / part.path).exists()] == []


def test_the_layers_are_in_the_order_that_imports_are_held_to() -> None:
    rules = configparser.ConfigParser()
    rules.read(ROOT / ".importlinter")
    lines = rules["importlinter:contract:layers"]["layers"].split("\n")
    order = {name.strip(): number for number, line in enumerate(lines) for name in line.split(":")}
    drawn = [[part.path.removesuffix(".py").replace("/", ".") for part in row] for row in LAYERS[1:]]
    ranks = [{order[name] for name in row} for row in drawn]
    assert [len(each) for each in ranks] == [1] * len(ranks)
    assert ranks == sorted(ranks, key=min)


def test_a_turn_has_the_steps_of_its_page() -> None:
    page = (ROOT / "docs" / "a-nodes-turn.md").read_text()
    assert re.findall(r"^\d\. \*\*(\w+)\*\*", page, re.MULTILINE) == [name for name, _ in (*BEFORE, *AFTER)]
