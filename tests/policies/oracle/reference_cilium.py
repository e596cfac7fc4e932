"""Cilium's side of the reference: identities, a heap of rules, denies first."""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.policies.oracle.reference import End, Labels, Object, Traffic, World, within

_SPACE = "k8s:io.kubernetes.pod.namespace"
_SPACE_LABEL = "k8s:io.cilium.k8s.namespace.labels."


class Cilium:
    """Objects of Cilium and Kubernetes' own policies, together."""

    def __init__(self, world: World, manifests: Iterable[Mapping[str, Any]]) -> None:
        self.world = world
        self.rules: list[tuple[Object, str, Object]] = []
        for item in manifests:
            space = item["metadata"].get("namespace", "")
            assert item["kind"] == ("CiliumNetworkPolicy" if space else "CiliumClusterwideNetworkPolicy")
            spec = item["spec"]
            subject = _with(spec["endpointSelector"], {_SPACE: space}) if space else spec["endpointSelector"]
            self.rules.append((subject, space, spec))
        for item in world.kubernetes:
            space = item["metadata"]["namespace"]
            subject = _with(_prefixed(item["spec"]["podSelector"], "k8s:"), {_SPACE: space})
            self.rules.append((subject, space, _own_words(item["spec"], space)))

    def identity(self, end: End) -> Labels:
        return {
            **{f"k8s:{key}": value for key, value in end.labels.items() if key != "pod-template-hash"},
            **{f"{_SPACE_LABEL}{key}": value for key, value in self.world.namespaces[end.namespace].items()},
            _SPACE: end.namespace, "k8s:io.cilium.k8s.policy.serviceaccount": end.account,
        }  # fmt: skip

    def allows(self, end: End, direction: str, other: End, traffic: Traffic) -> bool:
        allowed, guarded = False, False
        target = end if direction == "ingress" else other
        for subject, space, spec in self.rules:
            if not _selects(subject, self.identity(end)):
                continue
            for rule in spec.get(f"{direction}Deny") or []:
                guarded = True
                if self.matches(rule, space, other, target, traffic):
                    return False
            for rule in spec.get(direction) or []:
                guarded = True
                allowed = allowed or self.matches(rule, space, other, target, traffic)
        return allowed or not guarded

    def matches(self, rule: Object, space: str, other: End, target: End, traffic: Traffic) -> bool:
        ends = {key: value for key, value in rule.items() if key[:2] in ("fr", "to") and key != "toPorts"}
        assert len(ends) <= 1, "Cilium refuses rules that mix kinds of ends"
        if not rule:
            return False
        if ends and not any(self.is_end(key, value, space, other) for key, value in ends.items()):
            return False
        if "icmps" in rule:
            types = [field["type"] for each in rule["icmps"] for field in each["fields"]]
            return traffic.protocol == "ICMP" and traffic.number in types
        return "toPorts" not in rule or any(
            _carries(port, target, traffic) for each in rule["toPorts"] for port in each["ports"]
        )

    def is_end(self, key: str, values: list[Any], space: str, other: End) -> bool:
        if key.endswith("Endpoints"):
            return other.kind == "pod" and any(
                _selects(_in_reach(each, space), self.identity(other)) for each in values
            )
        if key.endswith("Entities"):
            known = {
                "pod": {"all"}, "node": {"all", "remote-node"}, "world": {"all", "world"}, "own": {"all", "host"},
            }[other.kind]  # fmt: skip
            return bool(known & set(values))
        assert key.endswith("CIDRSet"), key
        return other.kind == "world" and any(
            within(other.address, [each["cidr"]]) and not within(other.address, each.get("except", []))
            for each in values
        )


def _in_reach(selector: Object, space: str) -> Object:
    """The namespace that Cilium adds to a selector which names none."""
    keys = {*selector.get("matchLabels", {}), *(each["key"] for each in selector.get("matchExpressions", []))}
    if _SPACE in keys or (space and any(key.startswith(_SPACE_LABEL) for key in keys)):
        return selector
    return _with(selector, {_SPACE: space}) if space else selector


def _with(selector: Object, labels: Labels) -> Object:
    return {**selector, "matchLabels": {**selector.get("matchLabels", {}), **labels}}


def _prefixed(selector: Object, prefix: str) -> Object:
    return {
        "matchLabels": {prefix + key: value for key, value in (selector.get("matchLabels") or {}).items()},
        "matchExpressions": [
            {**each, "key": prefix + each["key"]} for each in selector.get("matchExpressions") or []
        ],
    }  # fmt: skip


def _own_words(spec: Object, space: str) -> Object:
    """Kubernetes' rules as Cilium's agent reads them."""
    found: Object = {}
    for direction, ends, at in (("ingress", "from", "from"), ("egress", "to", "to")):
        if direction.capitalize() not in spec["policyTypes"]:
            continue
        found[direction] = []
        for rule in spec.get(direction) or []:
            ports: Object = {}
            if rule.get("ports"):
                ports = {"toPorts": [{"ports": [
                    {"port": str(port.get("port", 0)), "protocol": port.get("protocol", "TCP"),
                     **({"endPort": port["endPort"]} if "endPort" in port else {})}
                    for port in rule["ports"]
                ]}]}  # fmt: skip
            for peer in rule.get(ends) or [None]:
                if peer is None:
                    found[direction].append({f"{at}Entities": ["all"], **ports})
                elif "ipBlock" in peer:
                    found[direction].append({f"{at}CIDRSet": [peer["ipBlock"]], **ports})
                else:
                    pods = _prefixed(peer.get("podSelector") or {}, "k8s:")
                    if "namespaceSelector" in peer:
                        spaces = _prefixed(peer["namespaceSelector"], _SPACE_LABEL)
                        joined = {key: pods[key] + spaces[key] for key in ("matchExpressions",)}
                        joined["matchExpressions"].append({"key": _SPACE, "operator": "Exists"})
                        joined["matchLabels"] = {**pods["matchLabels"], **spaces["matchLabels"]}
                        pods = joined
                    found[direction].append({f"{at}Endpoints": [pods], **ports})
        found[direction] = found[direction] or [{}]
    return found


def _selects(selector: Object, labels: Labels) -> bool:
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for each in selector.get("matchExpressions") or []:
        value = labels.get(each["key"])
        if not {
            "In": value in each.get("values", []), "NotIn": value not in each.get("values", []),
            "Exists": value is not None, "DoesNotExist": value is None,
        }[each["operator"]]:  # fmt: skip
            return False
    return True


def _carries(port: Object, target: End, traffic: Traffic) -> bool:
    if port["protocol"] != traffic.protocol:
        return False
    if not port["port"].isdigit():
        return target.ports.get(port["port"]) == str(traffic.number)
    low = int(port["port"])
    return low == 0 or low <= traffic.number <= port.get("endPort", low)
