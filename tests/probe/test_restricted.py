"""The Pod Security Standards' levels: our pods without privileges keep to `restricted`, and no other is where it holds.

The API server's own judgement of the same pods is in tests/checks/pods/test_pod_security.py.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from components.names import NAMESPACE, NODES_NAMESPACE
from components.namespaces import ENFORCE, LEVELS, namespace
from components.pods import OurPods
from stacks.config import parse_config
from tests.probe.our_pods import SCRIPTS, SETTINGS, on_nodes, unprivileged

Object = dict[str, Any]
_HOST = ("hostNetwork", "hostPID", "hostIPC")
_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
_SYSCTLS = {"kernel.shm_rmid_forced", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies"}


def forbidden(spec: Object) -> Iterator[str]:
    """The fields of a pod that `restricted` does not let pass."""
    whole = spec.get("securityContext") or {}
    yield from (field for field in _HOST if spec.get(field))
    yield from (f"sysctl {each['name']}" for each in whole.get("sysctls") or [] if each["name"] not in _SYSCTLS)
    for volume in spec.get("volumes") or []:
        yield from (f"volume {kind}" for kind in volume if kind != "name" and kind not in _VOLUMES)
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        own = container.get("securityContext") or {}
        given = {**whole, **own}
        capabilities = own.get("capabilities") or {}
        rules = {
            "privileged": bool(own.get("privileged")),
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is not False,
            "capabilities.drop": "ALL" not in (capabilities.get("drop") or []),
            "capabilities.add": bool(set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"}),
            "runAsNonRoot": given.get("runAsNonRoot") is not True,
            "runAsUser": given.get("runAsUser") == 0,
            "seccompProfile": (given.get("seccompProfile") or {}).get("type") not in ("RuntimeDefault", "Localhost"),
            "procMount": own.get("procMount", "Default") != "Default",
            "hostPort": any(port.get("hostPort") for port in container.get("ports") or []),
        }
        yield from (rule for rule, broken in rules.items() if broken)


@pytest.mark.parametrize("settings", [{}, SETTINGS], ids=["plain", "with all of `pods`"])
def test_pods_without_privileges_keep_to_the_level(settings: Object) -> None:
    pods = unprivileged(OurPods.of(parse_config({"pods": settings})))
    assert {name: list(forbidden(pod["spec"])) for name, pod in pods.items()} == {name: [] for name in pods}
    assert {pod["metadata"]["namespace"] for pod in pods.values()} == {NAMESPACE}


def test_nothing_of_the_nodes_is_where_the_level_holds() -> None:
    pods = on_nodes(OurPods(image="example"))
    assert set(pods) == SCRIPTS
    assert {pod["metadata"]["namespace"] for pod in pods.values()} == {NODES_NAMESPACE}
    assert all({"hostPID", "hostNetwork", "privileged"} <= set(forbidden(pod["spec"])) for pod in pods.values())


def test_without_capabilities_a_port_is_one_that_anybody_may_open() -> None:
    for pod in unprivileged(OurPods(image="example")).values():
        (container,) = pod["spec"]["containers"]
        assert all(port["containerPort"] >= 1024 for port in container["ports"])
        assert all(mount["readOnly"] for mount in container["volumeMounts"])


def test_each_namespace_asks_for_its_level() -> None:
    asked = {name: namespace(name)["metadata"]["labels"][ENFORCE] for name in LEVELS}
    assert asked == {NAMESPACE: "restricted", NODES_NAMESPACE: "privileged"}


def _container(change: Callable[[Object], object]) -> Callable[[Object], object]:
    return lambda spec: change(spec["containers"][0]["securityContext"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda spec: spec.update(hostNetwork=True), "hostNetwork"),
        (lambda spec: spec["volumes"].append({"name": "host", "hostPath": {"path": "/"}}), "volume hostPath"),
        (lambda spec: spec["containers"][0]["ports"][0].update(hostPort=8080), "hostPort"),
        (_container(lambda own: own.update(runAsUser=0)), "runAsUser"),
        (_container(lambda own: own.update(capabilities={"drop": ["NET_RAW"]})), "capabilities.drop"),
        (_container(lambda own: own["capabilities"].update(add=["NET_ADMIN"])), "capabilities.add"),
        (_container(lambda own: own.update(seccompProfile={"type": "Unconfined"})), "seccompProfile"),
        (_container(lambda own: own.pop("allowPrivilegeEscalation")), "allowPrivilegeEscalation"),
    ],
)
def test_the_rules_notice_what_is_forbidden(change: Callable[[Object], object], told: str) -> None:
    spec = deepcopy(unprivileged(OurPods(image="example"))["staying"]["spec"])
    change(spec)
    assert list(forbidden(spec)) == [told]
