"""Every mutation still applies to the source, and its tests exist."""

import ast

import pytest

from scripts.lab.paths import CHECKOUT
from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutation import Mutation, MutationError
from tests.mutations.trial import fast_tier


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.id)
def test_it_applies_and_is_still_a_program(mutation: Mutation) -> None:
    text = mutation.applied_to(CHECKOUT)
    ast.parse(text)
    assert text != (CHECKOUT / "components" / mutation.file).read_text()
    assert mutation.tests
    assert all((CHECKOUT / each).exists() for each in mutation.tests)


def test_no_two_have_one_name() -> None:
    assert len({each.id for each in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.parametrize("old", ["that is nowhere", "import"])
def test_one_whose_text_is_not_there_once_is_refused(old: str) -> None:
    mutation = Mutation(id="x", file="operations/draining/drain.py", old=old, new="", stands_for="", tests=())
    with pytest.raises(
        MutationError, match=r"mutation x: its old text is \d+ times in components/operations/draining/drain.py"
    ):
        mutation.applied_to(CHECKOUT)


def test_the_fast_tier_is_that_of_the_makefile() -> None:
    assert fast_tier().startswith("not lab and not engine and not apiserver")
