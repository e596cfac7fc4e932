"""Random clusters with random policies: small alphabets, so that rules meet."""

from typing import Any

from hypothesis import strategies as st

from tests.policies.oracle.reference import End, Object, Traffic, World

SPACES = {
    "shop": {"kubernetes.io/metadata.name": "shop", "team": "red"},
    "bank": {"kubernetes.io/metadata.name": "bank", "team": "blue", "audited": "yes"},
    "lobby": {"kubernetes.io/metadata.name": "lobby"},
}
TRAFFIC = (
    Traffic("TCP", 80), Traffic("TCP", 85), Traffic("TCP", 8080), Traffic("TCP", 443), Traffic("UDP", 80),
    Traffic("UDP", 53), Traffic("ICMP", 8), Traffic("ICMP", 0),
)  # fmt: skip
OUTSIDE = ("1.2.3.4", "1.2.9.9", "10.9.0.1", "8.8.8.8")
NETS = (
    "0.0.0.0/0", "10.0.0.0/8", "10.244.0.0/16", "172.16.0.0/12", "1.2.0.0/16", "1.2.3.0/24", "8.8.8.8/32",
    "10.9.0.0/16", "10.244.1.0/24", "172.30.0.11/32",
)  # fmt: skip
_KEYS, _VALUES = ("role", "tier"), ("a", "b")


def _pod(number: int, space: str, labels: dict[str, str], account: str) -> End:
    return End(
        name=f"pod-{number}", kind="pod", address=f"10.244.{number % 3}.{number + 5}", namespace=space, labels=labels,
        account=account, ports={"web": "8080" if number % 2 else "80"},
    )  # fmt: skip


_labels = st.dictionaries(st.sampled_from(_KEYS), st.sampled_from(_VALUES))
NODES = [End(name="node-1", kind="node", address="172.30.0.11"), End(name="node-2", kind="node", address="172.30.0.12")]
LOCAL_DNS = End(name="dns of the node", kind="own", address="169.254.20.10")
_WORLD = [End(name=each, kind="world", address=each) for each in OUTSIDE]


def _compared(keys: tuple[str, ...], values: tuple[str, ...]) -> st.SearchStrategy[str]:
    key, value = st.sampled_from(keys), st.sampled_from(values)
    several = st.lists(value, min_size=1, max_size=2).map(lambda them: ", ".join(f"'{each}'" for each in them))
    return st.one_of(
        st.builds("has({})".format, key),
        st.builds("{} {} '{}'".format, key, st.sampled_from(("==", "!=")), value),
        st.builds("{} {} {{{}}}".format, key, st.sampled_from(("in", "not in")), several),
        st.just("all()"),
    )


def _expressions(leaf: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds("({} && {})".format, inner, inner),
            st.builds("({} || {})".format, inner, inner),
            st.builds("!({})".format, inner),
        ),
        max_leaves=3,
    )


SELECTORS = _expressions(
    st.one_of(
        _compared(_KEYS, _VALUES),
        _compared(_KEYS, _VALUES),
        st.sampled_from(("projectcalico.org/namespace == 'shop'", "projectcalico.org/orchestrator == 'k8s'")),
    )
)
SPACE_SELECTORS = st.one_of(
    _expressions(_compared(("team", "audited", "projectcalico.org/name"), ("red", "blue", "yes", "shop"))),
    st.just("all()"),
    st.just("global()"),
).filter(lambda text: text in ("all()", "global()") or "all()" not in text)


def _sometimes(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Object]:
    return st.fixed_dictionaries({}, optional=fields)


_nets = st.lists(st.sampled_from(NETS), min_size=1, max_size=2, unique=True)
_ends: st.SearchStrategy[Object] = st.one_of(
    st.just({}),
    _sometimes(selector=SELECTORS),
    _sometimes(selector=SELECTORS, namespaceSelector=SPACE_SELECTORS),
    _sometimes(nets=_nets, notNets=_nets),
    _sometimes(
        selector=SELECTORS, notSelector=SELECTORS, nets=_nets, notNets=_nets, namespaceSelector=SPACE_SELECTORS,
        serviceAccounts=st.just({"names": ["robot"]}),
    ),
)  # fmt: skip
_ports = st.lists(st.sampled_from((80, 443, "80:90", "8000:9000")), min_size=1, max_size=2, unique=True)
_protocols = st.one_of(
    st.just({}),
    st.builds(lambda protocol: {"protocol": protocol}, st.sampled_from(("TCP", "UDP"))),
    st.builds(
        lambda protocol, ports: {"protocol": protocol, "destination": {"ports": ports}},
        st.sampled_from(("TCP", "UDP")),
        _ports,
    ),
    st.builds(lambda ports: {"protocol": "TCP", "destination": {"notPorts": ports}}, _ports),
    st.just({"protocol": "TCP", "destination": {"ports": ["web"]}}),
    st.just({"protocol": "ICMP", "icmp": {"type": 8}}),
)


@st.composite
def _rule(draw: st.DrawFn, direction: str) -> Object:
    traffic, end = draw(_protocols), draw(_ends)
    rule = {"action": draw(st.sampled_from(("Allow", "Allow", "Deny", "Pass"))), **traffic}
    if direction == "ingress":
        return {**rule, "source": end}
    if traffic.get("destination") == {"ports": ["web"]}:
        return {"action": rule["action"], "destination": end}  # by name there is no egress
    return {**rule, "destination": {**end, **traffic.get("destination", {})}}


@st.composite
def _calico(draw: st.DrawFn, number: int, *, space: str) -> Object:
    spec: Object = {
        "selector": draw(SELECTORS),
        **draw(
            _sometimes(
                order=st.sampled_from((10, 20, 1000, 1500)),
                types=st.sampled_from((["Ingress"], ["Egress"], ["Ingress", "Egress"])),
                ingress=st.lists(_rule("ingress"), max_size=3),
                egress=st.lists(_rule("egress"), max_size=3),
                serviceAccountSelector=st.just("projectcalico.org/name == 'robot'"),
            )
        ),
    }
    if not space and draw(st.booleans()):
        spec["namespaceSelector"] = draw(SPACE_SELECTORS.filter(lambda text: "global" not in text))
    return {"metadata": {"name": f"p{number}", **({"namespace": space} if space else {})}, "spec": spec}


_label_selectors = st.one_of(
    st.just({}),
    st.builds(lambda labels: {"matchLabels": labels}, _labels),
    st.builds(
        lambda key, operator, values: {
            "matchExpressions": [{"key": key, "operator": operator, **({"values": values} if "I" in operator else {})}]
        },
        st.sampled_from(_KEYS),
        st.sampled_from(("In", "NotIn", "Exists", "DoesNotExist")),
        st.lists(st.sampled_from(_VALUES), min_size=1, max_size=2, unique=True),
    ),
)
_space_selectors = st.sampled_from(
    (
        {},
        {"matchLabels": {"kubernetes.io/metadata.name": "bank"}},
        {"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["red"]}]},
    )
)
_blocks = st.sampled_from(
    ({"cidr": "0.0.0.0/0"}, {"cidr": "0.0.0.0/0", "except": ["8.8.8.8/32"]}, {"cidr": "1.2.0.0/16"},
     {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "172.16.0.0/12"]}, {"cidr": "10.244.0.0/16"})
)  # fmt: skip
_peers = st.one_of(
    st.builds(lambda pods: {"podSelector": pods}, _label_selectors),
    st.builds(
        lambda pods, spaces: {"podSelector": pods, "namespaceSelector": spaces}, _label_selectors, _space_selectors
    ),
    st.builds(lambda block: {"ipBlock": block}, _blocks),
)
_kubernetes_ports = st.sampled_from(
    ({"port": 80}, {"port": 80, "endPort": 90}, {"protocol": "UDP"}, {"port": 53, "protocol": "UDP"})
)  # fmt: skip


@st.composite
def _kubernetes(draw: st.DrawFn, number: int) -> Object:
    def rules(ends: str) -> Any:
        return draw(
            st.lists(
                _sometimes(**{ends: st.lists(_peers, max_size=2), "ports": st.lists(_kubernetes_ports, max_size=2)}),
                max_size=2,
            )
        )

    types = draw(st.sampled_from((["Ingress"], ["Egress"], ["Ingress", "Egress"])))
    spec: Object = {"podSelector": draw(_label_selectors), "policyTypes": types}
    for kind, ends in (("Ingress", "from"), ("Egress", "to")):
        if kind in types:
            spec[kind.lower()] = rules(ends)
    space = draw(st.sampled_from(sorted(SPACES)))
    return {"metadata": {"name": f"k{number}", "namespace": space}, "spec": spec}


_few = st.sampled_from(("all()", "role == 'a'", "role != 'a'", "role == 'b'"))
_plain_ends: st.SearchStrategy[Object] = st.one_of(
    st.just({}), _few.map(lambda text: {"selector": text}), _nets.map(lambda nets: {"nets": nets})
)
_plain_traffic = st.sampled_from(
    ({}, {"protocol": "TCP"}, {"protocol": "TCP", "destination": {"ports": [80]}},
     {"protocol": "TCP", "destination": {"ports": ["81:90"]}})
)  # fmt: skip
_plain_rules = st.lists(
    st.builds(
        lambda action, end, traffic: {"action": action, "source": end, **traffic},
        st.sampled_from(("Allow", "Deny")),
        _plain_ends,
        _plain_traffic,
    ),
    max_size=4,
)


@st.composite
def orderly(draw: st.DrawFn) -> World:
    """A cluster in which everything is about which rule is read first."""
    pods = [
        _pod(number, "shop", {"role": role} if role else {}, "default") for number, role in enumerate(("a", "b", ""))
    ]
    policies = [
        {
            "metadata": {"name": f"p{number}"},
            "spec": {
                "selector": draw(_few),
                "order": draw(st.sampled_from((10, 20, 1000))),
                "types": ["Ingress"],
                "ingress": draw(_plain_rules),
            },
        }
        for number in range(draw(st.integers(1, 3)))
    ]
    kubernetes = [draw(_kubernetes(9))] if draw(st.booleans()) else []
    ends = [*pods, *NODES, *_WORLD]
    return World(ends=ends, namespaces=SPACES, calico={"GlobalNetworkPolicy": policies}, kubernetes=kubernetes)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A cluster of a few pods, and up to four policies."""
    pods = [
        _pod(number, draw(st.sampled_from(sorted(SPACES))), draw(_labels), draw(st.sampled_from(("default", "robot"))))
        for number in range(draw(st.integers(3, 5)))
    ]
    world = World(ends=[*pods, *NODES, *_WORLD], namespaces=SPACES)
    for number in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(("NetworkPolicy", "GlobalNetworkPolicy", "kubernetes")))
        if kind == "kubernetes":
            world.kubernetes.append(draw(_kubernetes(number)))
        else:
            space = draw(st.sampled_from(sorted(SPACES))) if kind == "NetworkPolicy" else ""
            world.calico.setdefault(kind, []).append(draw(_calico(number, space=space)))
    for number in range(draw(st.integers(0, 2))):
        kind = draw(st.sampled_from(("NetworkSet", "GlobalNetworkSet")))
        there = {"namespace": draw(st.sampled_from(sorted(SPACES)))} if kind == "NetworkSet" else {}
        metadata = {"name": f"s{number}", "labels": draw(_labels), **there}
        nets = draw(st.lists(st.sampled_from(NETS[4:8]), min_size=1, max_size=2, unique=True))
        world.calico.setdefault(kind, []).append({"metadata": metadata, "spec": {"nets": nets}})
    return world


_LOCAL_NETS = (
    "0.0.0.0/0", "10.0.0.0/8", "169.254.0.0/16", "169.254.20.10/32", "169.254.20.10/31", "172.30.0.0/24", "128.0.0.0/1"
)  # fmt: skip
_local_nets = st.lists(st.sampled_from(_LOCAL_NETS), min_size=1, max_size=2, unique=True)
_dns_or_web = st.sampled_from(({}, {"protocol": "UDP"}, {"protocol": "TCP"}))
_to_networks = st.builds(
    lambda action, traffic, nets, but, ports: {
        "action": action,
        **traffic,
        "destination": {"nets": nets, **but, **(ports if traffic else {})},
    },
    st.sampled_from(("Allow", "Allow", "Deny")),
    _dns_or_web,
    _local_nets,
    _sometimes(notNets=_local_nets),
    st.sampled_from(({}, {"ports": [53]}, {"ports": ["50:60", 80]}, {"ports": [80]})),
)
_to_blocks = st.builds(
    lambda cidr, but, ports: {"to": [{"ipBlock": {"cidr": cidr, "except": but}}], **ports},
    st.sampled_from(_LOCAL_NETS),
    st.lists(st.sampled_from(_LOCAL_NETS), max_size=1),
    st.sampled_from(({}, {"ports": [{"port": 53, "protocol": "UDP"}]}, {"ports": [{"port": 80}]})),
)


@st.composite
def to_networks(draw: st.DrawFn) -> World:
    """One pod whose policies allow and deny networks that it sends to."""
    world = World(ends=[_pod(0, "shop", {"role": "a"}, "default"), *NODES, *_WORLD], namespaces=SPACES)
    for number in range(draw(st.integers(1, 2))):
        metadata = {"name": f"p{number}"}
        if draw(st.booleans()):
            rules = draw(st.lists(_to_blocks, min_size=1, max_size=2))
            spec: Object = {"podSelector": {}, "policyTypes": ["Egress"], "egress": rules}
            world.kubernetes.append({"metadata": {**metadata, "namespace": "shop"}, "spec": spec})
        else:
            rules = draw(st.lists(_to_networks, min_size=1, max_size=3))
            spec = {"types": ["Egress"], "order": draw(st.sampled_from((10, 20))), "egress": rules}
            world.calico.setdefault("GlobalNetworkPolicy", []).append({"metadata": metadata, "spec": spec})
    return world
