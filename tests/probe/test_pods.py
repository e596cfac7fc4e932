"""Every pod of ours has what the stack's `pods` demands, and is found by its own labels all the same."""

from typing import Any

import pytest

from components import probe
from components.pods import OurPods
from components.probe import manifests
from stacks.config import parse_config
from stacks.sections.pods import OUR_DOMAIN, OUR_KEYS
from tests.probe.our_pods import SETTINGS, on_nodes, unprivileged


def made(pods: OurPods) -> dict[str, dict[str, Any]]:
    return {**unprivileged(pods), "shell": on_nodes(pods)["inspect_network"]}


@pytest.mark.parametrize("which", ["shell", "fresh", "staying", "moving"])
def test_every_pod_has_what_is_demanded(which: str) -> None:
    plain = made(OurPods.of(parse_config({})))[which]
    pod = made(OurPods.of(parse_config({"pods": SETTINGS})))[which]
    spec, (container,) = pod["spec"], pod["spec"]["containers"]
    assert container["image"].startswith("mirror.example.org/library/python:")
    assert spec["imagePullSecrets"] == [{"name": "team"}]
    assert spec["priorityClassName"] == "high"
    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert container["resources"]["limits"] == {"cpu": "1", "memory": "128Mi"}
    assert container["resources"]["requests"]["cpu"] == "50m"
    assert pod["metadata"]["labels"] == {**plain["metadata"]["labels"], "example.org/team": "net"}
    assert pod["metadata"]["annotations"]["example.org/why"] == "the move to Cilium"
    given = {"key": "dedicated", "operator": "Equal", "value": "x", "effect": "NoExecute", "tolerationSeconds": 0}
    # A pod that must be on its node would be evicted by a toleration that ends.
    assert spec["tolerations"] == ([given] if which == "moving" else [{"operator": "Exists"}])


def test_the_probes_own_resources_stay_where_nothing_is_demanded() -> None:
    pods = OurPods.of(parse_config({"pods": {"resources": {"limits": {"cpu": "1"}}}}))
    (container,) = manifests.daemon_set(pods)["spec"]["template"]["spec"]["containers"]
    own: Any = probe.container()["resources"]
    assert container["resources"] == {"requests": own["requests"], "limits": {**own["limits"], "cpu": "1"}}


def test_no_label_by_which_we_find_pods_can_be_demanded() -> None:
    keys = {key for each in made(OurPods(image="x")).values() for key in each["metadata"]["labels"]}
    assert {key for key in keys if key not in OUR_KEYS and not key.startswith(f"{OUR_DOMAIN}/")} == set()
