"""Generated worlds of a few nodes, the pods there and one that looks for a place; many of them fit into one cluster."""

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.placing.lists import claim as claim_of
from tests.placing.lists import volume
from tests.placing.manifests import REQUIRED, ZONE, Object, node, pod
from tests.sampling import exhaustive

WORLDS = 400 if exhaustive() else 100
NODES = 4
DRIVER = "disk.example.org"
NAMESPACES = {"oracle-a": {"team": "a"}, "oracle-b": {"team": "b"}}
APPS = ("web", "db")
RARELY = st.sampled_from([False, False, False, True])


@dataclass(frozen=True)
class Sketch:
    """One generated world: its nodes, the pods on them, and the pod that looks for a place."""

    nodes: tuple[dict[str, Any], ...]
    pods: tuple[dict[str, Any], ...]
    incoming: dict[str, Any]
    disks: tuple[dict[str, Any], ...]


TOLERATIONS = st.lists(
    st.sampled_from(
        [
            {"operator": "Exists"},
            {"key": "gpu", "operator": "Exists"},
            {"key": "gpu", "value": "a", "effect": "NoSchedule"},
            {"key": "gpu", "operator": "Equal", "value": "b"},
            {"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoSchedule"},
        ]
    ),
    max_size=1,
)
NODE = st.fixed_dictionaries(
    {
        "zone": st.sampled_from(["1", "2", None]),
        "disk": st.sampled_from(["ssd", "hdd", None]),
        "rank": st.sampled_from(["1", "5", None]),
        "taints": st.sampled_from([(), (), (), ("gpu=a:NoSchedule",), ("gpu=b:NoExecute",), ("x=y:PreferNoSchedule",)]),
        "cordoned": RARELY,
        "cpu": st.sampled_from(["2", "2", "1", "300m"]),
        "pods": st.sampled_from(["110", "110", "2"]),
        "gpus": st.sampled_from(["0", "1"]),
        "attaches": st.sampled_from([None, 1]),
    }
)
DISK = st.fixed_dictionaries(
    {
        "hosts": st.sampled_from([None, None, (0, 1), (2, 3)]),
        "zone": st.sampled_from([None, None, "1", "1__2"]),
        "mode": st.sampled_from(["ReadWriteOnce", "ReadWriteOnce", "ReadWriteOncePod"]),
        "csi": st.booleans(),
    }
)
RULE = st.sampled_from(
    [
        {"key": "disk", "operator": "In", "values": ["ssd"]},
        {"key": "disk", "operator": "NotIn", "values": ["hdd"]},
        {"key": "disk", "operator": "Exists"},
        {"key": "rank", "operator": "DoesNotExist"},
        {"key": "rank", "operator": "Gt", "values": ["2"]},
        {"key": "rank", "operator": "Lt", "values": ["2"]},
    ]
)
SELECTOR = st.sampled_from(
    [
        {"matchLabels": {"app": "web"}},
        {"matchLabels": {"app": "db"}},
        {},
        {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["db"]}]},
        None,
    ]
)
KEY = st.sampled_from(["zone", "host"])
TERM = st.fixed_dictionaries(
    {"topologyKey": KEY, "labelSelector": SELECTOR},
    optional={
        "namespaces": st.sampled_from([["oracle-a"], ["oracle-b"], ["oracle-a", "oracle-b"]]),
        "namespaceSelector": st.sampled_from([{}, {"matchLabels": {"team": "b"}}]),
        "matchLabelKeys": st.just(["tier"]),
    },
).filter(lambda term: "matchLabelKeys" not in term or term["labelSelector"] is not None)
SPREAD = st.fixed_dictionaries(
    {
        "maxSkew": st.sampled_from([1, 1, 2]),
        "topologyKey": KEY,
        "whenUnsatisfiable": st.sampled_from(["DoNotSchedule", "DoNotSchedule", "ScheduleAnyway"]),
        "labelSelector": SELECTOR,
    },
    optional={
        "minDomains": st.sampled_from([2, 3]),
        "nodeAffinityPolicy": st.sampled_from(["Ignore", "Honor"]),
        "nodeTaintsPolicy": st.sampled_from(["Ignore", "Honor"]),
        "matchLabelKeys": st.just(["tier"]),
    },
).filter(
    lambda each: (
        ("minDomains" not in each or each["whenUnsatisfiable"] == "DoNotSchedule")
        and ("matchLabelKeys" not in each or each["labelSelector"] is not None)
    )
)
PORT = st.fixed_dictionaries(
    {"containerPort": st.just(80), "hostPort": st.sampled_from([80, 81])},
    optional={"protocol": st.sampled_from(["TCP", "UDP"]), "hostIP": st.sampled_from(["127.0.0.1", "0.0.0.0"])},
)
BASIC = {
    "namespace": st.sampled_from(list(NAMESPACES)),
    "app": st.sampled_from(APPS),
    "tier": st.sampled_from(["x", "y"]),
    "cpu": st.sampled_from(["0", "100m", "250m", "500m"]),
    "gpus": st.sampled_from(["0", "0", "1"]),
    "ports": st.lists(PORT, min_size=1, max_size=1),
    "away": st.lists(TERM, min_size=1, max_size=1),
    "sidecar": st.sampled_from([None, None, "200m"]),
    "disk": st.sampled_from([None, None, 0, 1]),
    "before": st.sampled_from([None, None, "600m"]),
}
PLACED = st.fixed_dictionaries({**BASIC, "node": st.integers(0, NODES - 1)})
INCOMING = st.fixed_dictionaries(
    {
        **BASIC,
        "near": st.lists(TERM, max_size=2),
        "spreads": st.lists(
            SPREAD, min_size=1, max_size=2, unique_by=lambda each: (each["topologyKey"], each["whenUnsatisfiable"])
        ),
        "selector": st.sampled_from([{}, {}, {"disk": "ssd"}]),
        "rules": st.one_of(st.just([]), st.lists(st.lists(RULE, min_size=1, max_size=2), min_size=1, max_size=2)),
        "tolerations": TOLERATIONS,
    }
)
# The first filter that says no is all that one hears of a node: most worlds are about one kind of filter alone.
_OPEN = {"taints": (), "cordoned": False, "cpu": "2", "pods": "110"}
_PLAIN: dict[str, Any] = {
    "rules": [], "selector": {}, "near": [], "away": [], "spreads": [], "gpus": "0", "cpu": "0", "ports": [],
    "disk": None, "sidecar": None, "before": None,
}  # fmt: skip
_ABOUT = {
    "volumes": ("disk",),
    "spreads": ("spreads", "selector"),
    "near": ("near",),
    "away": ("away",),
    "amounts": ("cpu", "ports"),
}


def _about(sketch: Sketch, what: str) -> Sketch:
    """The same world with nothing in it but what one kind of filter looks at, and two nodes that are open."""

    def plain(pod: dict[str, Any]) -> dict[str, Any]:
        alike = {} if what == "volumes" else {"app": "web", "namespace": "oracle-a"}
        return pod | alike | {key: value for key, value in _PLAIN.items() if key in pod and key not in _ABOUT[what]}

    return Sketch(
        nodes=tuple(each | _OPEN | {"cordoned": place > 1} for place, each in enumerate(sketch.nodes)),
        pods=tuple(map(plain, sketch.pods)),
        incoming=plain(sketch.incoming),
        disks=sketch.disks,
    )


WORLD = st.builds(
    Sketch,
    nodes=st.lists(NODE, min_size=NODES, max_size=NODES).map(tuple),
    pods=st.lists(PLACED, min_size=4, max_size=8).map(tuple),
    incoming=INCOMING,
    disks=st.lists(DISK, min_size=2, max_size=2).map(tuple),
)
SKETCH = WORLD | st.builds(_about, WORLD, st.sampled_from([*_ABOUT, "volumes", "spreads", "spreads"]))


def sketches() -> list[Sketch]:
    found: list[Sketch] = []

    @settings(
        max_examples=WORLDS,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(SKETCH)
    def collect(sketch: Sketch) -> None:
        found.append(sketch)

    collect()
    return found[:WORLDS]


def named(number: int, terms: list[Object]) -> list[Object]:
    """Each world has topology keys of its own, so that no other world's nodes are domains in it."""
    return [{**term, "topologyKey": f"{term['topologyKey']}-{number}"} for term in terms]


def nodes_of(number: int, sketch: Sketch) -> list[Object]:
    made = []
    for place, each in enumerate(sketch.nodes):
        name = f"w{number}-n{place}"
        labels = {"world": str(number), f"host-{number}": name}
        labels |= {key: each[key] for key in ("disk", "rank") if each[key]}
        labels |= {f"zone-{number}": each["zone"], ZONE: each["zone"]} if each["zone"] else {}
        taints = [*each["taints"], *(["node.kubernetes.io/unschedulable:NoSchedule"] if each["cordoned"] else [])]
        made.append(
            node(
                name, labels=labels, taints=taints, cordoned=each["cordoned"], cpu=each["cpu"], pods=each["pods"],
                example_org__gpu=each["gpus"],
            )
        )  # fmt: skip
        made[-1]["status"]["allocatable"]["example.org/gpu"] = made[-1]["status"]["allocatable"].pop("example-org/gpu")
    return made


def pod_of(number: int, name: str, each: dict[str, Any], *, on: str = "") -> Object:
    affinity: Object = {}
    if each["away"]:
        affinity["podAntiAffinity"] = {REQUIRED: named(number, each["away"])}
    spec: Object = {"tolerations": each.get("tolerations", []), "automountServiceAccountToken": False}
    first = [
        {"name": kind, "image": "example", "resources": {"requests": {"cpu": each[kind]}}, **more}
        for kind, more in (("sidecar", {"restartPolicy": "Always"}), ("before", {}))
        if each[kind]
    ]
    spec |= {"initContainers": first} if first else {}
    if each["disk"] is not None:
        claim = {"claimName": f"w{number}-d{each['disk']}"}
        spec["volumes"] = [{"name": "disk", "persistentVolumeClaim": claim}]
    if not on:
        affinity |= {"podAffinity": {REQUIRED: named(number, each["near"])}} if each["near"] else {}
        # Every rule holds for this world's nodes alone.
        here = {"key": "world", "operator": "In", "values": [str(number)]}
        if each["rules"]:
            terms = [{"matchExpressions": [here, *rules]} for rules in each["rules"]]
            affinity["nodeAffinity"] = {REQUIRED: {"nodeSelectorTerms": terms}}
        spec |= {"nodeSelector": {"world": str(number), **each["selector"]}}
        spec |= {"topologySpreadConstraints": named(number, each["spreads"])}
    asks = {"cpu": each["cpu"], "example.org/gpu": each["gpus"]}
    made = pod(
        name, on, app=each["app"], namespace=each["namespace"], asks=asks, limits={"example.org/gpu": each["gpus"]},
        ports=each["ports"], labels={"tier": each["tier"], "world": str(number)}, affinity=affinity, **spec,
    )  # fmt: skip
    # No selector of one world means pods of another.
    for kind in ("podAffinity", "podAntiAffinity"):
        for term in affinity.get(kind, {}).get(REQUIRED, []):
            term["labelSelector"] = _here(number, term["labelSelector"])
    for constraint in made["spec"].get("topologySpreadConstraints", []):
        constraint["labelSelector"] = _here(number, constraint["labelSelector"])
    return made


def _here(number: int, selector: Object | None) -> Object | None:
    if selector is None:
        return None
    return {**selector, "matchLabels": {**selector.get("matchLabels", {}), "world": str(number)}}


def pods_of(number: int, sketch: Sketch) -> list[Object]:
    return [
        pod_of(number, f"w{number}-p{place}", each, on=f"w{number}-n{each['node']}")
        for place, each in enumerate(sketch.pods)
    ]


def disks_of(number: int, sketch: Sketch) -> list[tuple[Object, Object]]:
    """Each disk as a volume and the claim that it is bound to, one of them in each namespace."""
    made = []
    for place, each in enumerate(sketch.disks):
        for namespace in NAMESPACES:
            claim, name = f"w{number}-d{place}", f"w{number}-d{place}-{namespace}"
            hosts = [f"w{number}-n{host}" for host in each["hosts"] or ()]
            rules = [{"key": f"host-{number}", "operator": "In", "values": hosts}] if hosts else []
            disk = {"csi": {"driver": DRIVER, "volumeHandle": name}} if each["csi"] else {"hostPath": {"path": "/disk"}}
            item = volume(name, *rules, claim=claim, zone=each["zone"] or "", **disk)
            item["spec"] |= {"accessModes": [each["mode"]], "claimRef": {"namespace": namespace, "name": claim}}
            item["spec"]["storageClassName"] = ""
            claimed = claim_of(claim, bound=name, mode=each["mode"], storageClassName="")
            claimed["metadata"] |= {"namespace": namespace, "annotations": {"pv.kubernetes.io/bind-completed": "yes"}}
            made.append((item, claimed))
    return made


def attachers_of(number: int, sketch: Sketch) -> list[Object]:
    """The number of disks that the driver attaches on each node."""
    made = []
    for place, each in enumerate(sketch.nodes):
        count = {} if each["attaches"] is None else {"allocatable": {"count": each["attaches"]}}
        name = f"w{number}-n{place}"
        made.append({"metadata": {"name": name}, "spec": {"drivers": [{"name": DRIVER, "nodeID": name, **count}]}})
    return made
