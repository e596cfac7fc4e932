"""Settings of our own pods in the config, and the images that it leads to."""

from decimal import Decimal
from typing import Any

import pytest

from stacks.config import parse_config
from stacks.notation.images import DEFAULT, Image
from stacks.notation.quantities import amount

DIGEST = f"sha256:{'0' * 64}"


def image_of(**settings: Any) -> str:
    return parse_config(settings).image


def test_our_image_is_pinned() -> None:
    assert image_of() == DEFAULT
    assert Image.read(DEFAULT).digest


@pytest.mark.parametrize(
    ("given", "placed"),
    [
        ("python:3.13-slim", "mirror.example.org/library/python:3.13-slim"),
        (f"team/python:3@{DIGEST}", f"mirror.example.org/team/python:3@{DIGEST}"),
        ("quay.example.org:5000/a/b/python", "mirror.example.org/a/b/python"),
        (f"localhost/python@{DIGEST}", f"mirror.example.org/python@{DIGEST}"),
        ("[fd00::1]:5000/python:3", "mirror.example.org/python:3"),
    ],
)
def test_a_registry_takes_the_place_of_an_images_own(given: str, placed: str) -> None:
    assert image_of(probe={"image": given}) == given
    assert image_of(probe={"image": given}, pods={"registry": "mirror.example.org"}) == placed


def test_a_folder_of_a_registry_is_a_registry() -> None:
    assert image_of(pods={"registry": "r.example.org:5000/a/b"}).startswith(
        "r.example.org:5000/a/b/library/python:3.13"
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [("100m", "0.1"), (".5", "0.5"), ("1.", "1"), ("+2", "2"), ("1E", "1e18"), ("1e3", "1000"), ("3Ki", "3072")],
)
def test_amounts(text: str, number: str) -> None:
    assert amount(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "x", "1K", "1 Gi", "1e3Mi", "1..2", "0x10", "NaN", "1gi", "Mi", "1e"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="is no amount such as"):
        amount(text)


def test_numbers_may_be_written_as_numbers() -> None:
    resources = parse_config({"pods": {"resources": {"limits": {"cpu": 2, "memory": 268435456}}}}).pods.resources
    assert resources.limits == {"cpu": "2", "memory": "268435456"}
