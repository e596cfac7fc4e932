"""The preview's words on drained pods and their place, manifest by manifest."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from components.checks import CATALOGUE, Finding, Severity, run_checks
from components.operations.cluster_api.errors import ClusterError, Object
from components.operations.objects.model import Node, Pod
from components.operations.objects.node_state import NodeState
from components.operations.placing.reading import read_supplies
from tests.builders import FLANNEL_DAEMON_SET, make_context, secondary
from tests.placing.case import THREE, Case
from tests.placing.cases import PLACED, each_has
from tests.placing.lists import job, owned
from tests.placing.manifests import apart, node, pod, spread
from tests.placing.past_cordon_cases import NAMED
from tests.placing.volume_and_quota_cases import SUPPLIED

CHECKS = [each for each in CATALOGUE if each.id.startswith(("replacements-", "staying-"))]


class Lists:
    """A cluster of nothing but lists; what is not there is closed to the user if it is in `closed`, else empty."""

    def __init__(self, lists: Mapping[str, Sequence[Object]], closed: Sequence[str] = ()) -> None:
        self.lists, self.closed, self.asked = lists, closed, list[str]()

    def read_all(self, path: str, make: Callable[[Object], Any]) -> list[Any]:
        kind = path.rpartition("/")[2]
        self.asked.append(kind)
        if kind in self.closed:
            raise ClusterError("no", status=403)
        return [make(item) for item in self.lists.get(kind, [])]


def owners_of(pods: Sequence[Object]) -> dict[str, list[Object]]:
    """The owners that pods have, as plain as they come."""
    found: dict[str, list[Object]] = {}
    for item in pods:
        for owner in item["metadata"].get("ownerReferences", []):
            meta = {"namespace": item["metadata"]["namespace"], "name": owner["name"]}
            found.setdefault(f"{owner['kind'].lower()}s", []).append({"metadata": meta, "spec": {}})
    return found


def findings(
    pods: Sequence[Object],
    *,
    nodes: Sequence[Object] = THREE,
    lists: Mapping[str, Sequence[Object]] | None = None,
    closed: Sequence[str] = (),
    waves: Sequence[Sequence[str]] = (("worker-1",),),
    **settings: Any,
) -> list[Finding]:
    cluster: Any = Lists({**owners_of(pods), **(lists or {})}, closed)
    seen = tuple(map(Pod.read, pods))
    moving = [each for each in seen if any(each.node in wave for wave in waves)]
    with ThreadPoolExecutor() as pool:
        supplies = read_supplies(cluster, moving, pool=pool)
    snapshot = secondary(
        nodes=tuple(map(Node.read, nodes)),
        node_states={item["metadata"]["name"]: NodeState.read(item) for item in nodes},
        pods=seen,
        daemon_sets=(FLANNEL_DAEMON_SET, *(lists or {}).get("daemonsets", [])),
        supplies=supplies,
    )
    context = make_context(snapshot, phase="migrate", waves=[list(wave) for wave in waves], **settings)
    return run_checks(CHECKS, context)


@pytest.mark.parametrize("case", [*PLACED, *SUPPLIED, *NAMED], ids=lambda case: case.title)
def test_a_pod_and_its_place(case: Case) -> None:
    closed = ("persistentvolumeclaims",) if "may not be read" in case.title else ()
    found = findings(case.pods, nodes=case.nodes, lists=case.lists, closed=closed, **case.settings)
    assert [each.check for each in found] == ([case.check] if case.told else [])
    assert case.told in "".join(each.line for each in found)
    assert not [each.line for each in found if each.severity is Severity.BLOCKER]


SPREAD = each_has("web", topologySpreadConstraints=spread("web"))


@pytest.mark.parametrize(
    ("settings", "waves", "offered", "refused"),
    [
        ({}, [["worker-1"]], ("set drain.inPlace", "drain.waitForReplacements to false"), ("wave narrower",)),
        ({"restart": {"method": "reboot"}}, [["worker-1"]], ("drain.waitForReplacements to false",), ("inPlace",)),
        ({"drain": {"waitForReplacements": False}}, [["worker-1"]], ("it is away until the node is back",),
         ("waitForReplacements", "the drain waits")),
        ({}, [["worker-1", "worker-2"]], ("make the wave narrower",), ()),
    ],
)  # fmt: skip
def test_a_way_out_that_the_config_refuses_is_not_offered(
    settings: dict[str, Any], waves: list[list[str]], offered: Sequence[str], refused: Sequence[str]
) -> None:
    line = findings(SPREAD, waves=waves, **settings)[0].line
    assert [text for text in offered if text not in line] == []
    assert [text for text in refused if text in line] == []


def test_in_place_is_no_way_out_for_a_node_that_was_cordoned_before() -> None:
    nodes = (node("worker-1", cordoned=True), *THREE[1:])
    assert "inPlace" not in findings(SPREAD, nodes=nodes)[0].line


def test_in_place_every_pod_has_its_place_but_a_job_may_fail_all_the_same() -> None:
    assert findings(SPREAD, drain={"inPlace": True}) == []
    lists = job(backoffLimit=0)
    (found,) = findings([pod("backup-1", "worker-1", owner=("batch/v1", "Job"))], lists=lists, drain={"inPlace": True})
    assert "counts evictions as failures" in found.line


def test_pods_of_one_workload_are_one_line() -> None:
    pods = [pod(f"web-{number}", "worker-1", asks={"cpu": "9"}) for number in range(3)]
    (found,) = findings(pods)
    assert "node worker-1: each of 3 pods such as shop/web-0 (ReplicaSet web) has no place" in found.evidence


def test_nodes_of_a_wave_are_away_together_and_those_of_another_are_not() -> None:
    pods = [pod(f"web-{number}", f"worker-{number}", affinity=apart("web")) for number in (1, 2)]
    assert findings(pods, waves=[["worker-1"], ["worker-2"]]) == []
    assert [each.check for each in findings(pods, waves=[["worker-1", "worker-2"]])] == ["replacements-placed"]


def test_a_pod_whose_template_names_another_node_of_its_wave_is_renewed_there_again() -> None:
    pods, lists = [pod("web-1", "worker-1")], owned("replicasets", nodeName="worker-2")
    (found,) = findings(pods, lists=lists, waves=[["worker-1", "worker-2"]])
    assert "pod shop/web-1 (ReplicaSet web) comes back on worker-2, cordoned or not: its template" in found.evidence
    assert found.remedy.startswith("it is away twice, the second time once worker-2 is switched")
    assert findings(pods, lists=lists, waves=[["worker-1"], ["worker-2"]]) == []


@pytest.mark.parametrize(
    ("settings", "offered"), [({}, True), ({"restart": {"method": "reboot"}}, False)], ids=["recycle", "reboot"]
)
def test_a_pod_that_comes_back_is_offered_to_come_back_once(settings: dict[str, Any], offered: bool) -> None:
    (found,) = findings([pod("web-1", "worker-1")], lists=owned("replicasets", nodeName="worker-1"), **settings)
    assert ("set drain.inPlace" in found.remedy) == offered


def test_a_quota_that_cannot_be_read_is_said_and_the_rest_is_judged() -> None:
    found = findings(SPREAD, closed=("resourcequotas", "replicasets"))
    assert [each.check for each in found] == ["replacements-placed", "replacements-known", "replacements-known"]
    assert "resourcequotas could not be read (the user may not list resourcequotas)" in found[2].evidence


def test_nothing_is_listed_that_no_drained_pod_needs() -> None:
    def asked(*pods: Object) -> list[str]:
        cluster: Any = Lists({})
        with ThreadPoolExecutor() as pool:
            read_supplies(cluster, [Pod.read(each) for each in pods], pool=pool)
        return sorted(cluster.asked)

    assert asked() == []
    assert asked(pod("agent-1", "worker-1", owner=("apps/v1", "DaemonSet"))) == []
    assert asked(pod("web-1", "worker-1"), pod("web-2", "worker-1")) == ["limitranges", "replicasets", "resourcequotas"]
    claims = pod("db-0", "worker-1", volumes=[{"name": "a", "persistentVolumeClaim": {"claimName": "a"}}])
    assert {"persistentvolumeclaims", "persistentvolumes", "storageclasses", "csinodes"} <= set(asked(claims))


STATIC = {"annotations": {"kubernetes.io/config.mirror": "x"}}
NODE = ("v1", "Node")


@pytest.mark.parametrize(
    ("item", "settings", "told", "severity"),
    [
        (pod("proxy-1", "worker-1", owner=NODE, meta=STATIC), {}, "set restart.method to 'reboot', or", "blocker"),
        (pod("proxy-1", "worker-1", owner=NODE, meta=STATIC), {"drain": {"inPlace": True}},
         "to 'reboot' and drain.inPlace to false", "blocker"),
        (pod("proxy-1", "worker-1", owner=NODE, meta=STATIC), {"restart": {"method": "reboot"}}, "", ""),
        (pod("proxy-1", "worker-1", owner=NODE, meta=STATIC, hostNetwork=True), {}, "", ""),
        (pod("logs-1", "worker-1", owner=("apps/v1", "DaemonSet"), terminationGracePeriodSeconds=900), {},
         "set restart.timeoutSeconds above 900", "warning"),
        (pod("logs-1", "worker-1", owner=("apps/v1", "DaemonSet"), terminationGracePeriodSeconds=99), {}, "", ""),
    ],
)  # fmt: skip
def test_pods_that_stay(item: Object, settings: dict[str, Any], told: str, severity: str) -> None:
    daemon_sets = [{"metadata": {"namespace": "shop", "name": "logs"}}]
    found = findings([item], lists={"daemonsets": daemon_sets}, **settings)
    assert [each.severity for each in found] == ([severity] if severity else [])
    assert told in "".join(each.line for each in found)
