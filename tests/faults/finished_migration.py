"""A finished migration refuses every way of destroying it, and each refusal changes nothing."""

import json

from stacks.values import MIGRATED_LABEL
from tests.faults.site import Site
from tests.remedies import type_in

_REFUSED_BY_ENGINE, _REFUSED_BY_US = "protected", "the old CNI is gone from every node"
_FORGET = "pulumi stack rm --force --preserve-config"
_AT_ONCE = ("--yes", "--skip-preview", "--non-interactive")


def _state(site: Site) -> set[str]:
    exported = json.loads(site.stack.pulumi("stack", "export").output)
    urns = {each["urn"] for each in exported["deployment"]["resources"]}
    # The engine's own for the invoke of a `release-known` that was asked; it stands for no object.
    return {each for each in urns if "::pulumi:providers:pulumi::" not in each}


def _labels(site: Site) -> dict[str, str]:
    return {
        item["metadata"]["name"]: item["metadata"]["labels"].get(MIGRATED_LABEL, "")
        for item in site.cluster.list("/api/v1/nodes")
    }


def _urn(urns: set[str], suffix: str) -> str:
    return next(each for each in urns if each.endswith(suffix))


def assert_sealed(site: Site) -> None:
    """Every destroy of the finished migration is refused and changes nothing; what it prints forgets the stack."""
    urns, labels = _state(site), _labels(site)

    def refused(*options: str, says: str) -> None:
        run = site.stack.pulumi("destroy", *options, check=False)
        assert run.exit_code != 0, run.output
        assert says in run.output
        assert (_state(site), _labels(site)) == (urns, labels), f"destroy {' '.join(options)}"

    refused("--yes", "--non-interactive", says=_REFUSED_BY_ENGINE)
    refused(*_AT_ONCE, says=_REFUSED_BY_ENGINE)
    refused(*_AT_ONCE, "--target", _urn(urns, "NodeTurn::worker-1"), "--target-dependents", says=_REFUSED_BY_ENGINE)
    site.stack.pulumi("destroy", *_AT_ONCE, "--exclude-protected", check=False)
    assert (_state(site), _labels(site)) == (urns, labels), "destroy --exclude-protected"
    site.stack.pulumi("state", "unprotect", "--all", "--yes")
    refused(*_AT_ONCE, says=_REFUSED_BY_US)
    # As an earlier version of the program left it, whose last records go before the refusal.
    site.stack.pulumi("state", "delete", _urn(urns, "::guard"), "--yes")
    run = site.stack.pulumi("destroy", *_AT_ONCE, check=False)
    assert run.exit_code != 0
    assert _REFUSED_BY_US in run.output
    assert _FORGET in run.output
    assert (_labels(site), {each for each in urns if "worker-" in each} - _state(site)) == (labels, set())
    site.stack.up()
    assert (_state(site), _labels(site)) == (urns, labels), "up after a refused destroy"
    type_in(_FORGET, stack=site.stack, plane=site.plane)
    assert site.stack.config.exists()
    assert _labels(site) == labels
