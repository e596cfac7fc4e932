"""Reference models of Calico's and Cilium's verdict on a packet, as simple as possible, without the product's code.

Calico goes by addresses: a rule's selectors are sets of addresses, policies are read in order and the first rule that
matches decides. Cilium goes by identities: every rule of every policy is looked at, a deny wins.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import CodeType
from typing import Any, Literal

Object = dict[str, Any]
Labels = Mapping[str, str]
POD_NETWORK = "10.244.0.0/16"
NODE_LABEL = "io.kubernetes.pod.namespace"


@dataclass(frozen=True)
class End:
    """One end of a flow."""

    name: str
    kind: Literal["pod", "node", "world", "own"]
    address: str
    namespace: str = ""
    labels: Labels = field(default_factory=dict)
    account: str = "default"
    ports: Labels = field(default_factory=dict)  # name of a container port to number


@dataclass(frozen=True)
class Traffic:
    """A protocol and a port, or an ICMP type."""

    protocol: str
    number: int


@dataclass
class World:
    """All that there is."""

    ends: list[End]
    namespaces: Mapping[str, Labels]
    kubernetes: list[Object] = field(default_factory=list)
    calico: dict[str, list[Object]] = field(default_factory=dict)

    @property
    def pods(self) -> list[End]:
        return [each for each in self.ends if each.kind == "pod"]


def fits(selector: str, labels: Labels) -> bool:
    """True if labels match a selector of Calico's."""
    return bool(eval(_in_python(selector), {"L": labels}))


@cache
def _in_python(selector: str) -> CodeType:
    """The selector as a Python expression."""
    text = re.sub(r"has\(([^)]*)\)", r"('\1' in L)", selector.strip() or "all()")
    text = re.sub(r"([\w./-]+) (==|!=) ('[^']*')", r"(L.get('\1') \2 \3)", text)
    text = re.sub(r"([\w./-]+) (not in|in) \{([^}]*)\}", r"(L.get('\1') \2 [\3])", text)
    text = text.replace("all()", "True").replace("global()", "True").replace("&&", " and ").replace("||", " or ")
    return compile(re.sub(r"!(?!=)", " not ", text).strip(), selector, "eval")


def within(address: str, networks: Iterable[str]) -> bool:
    return any(_is_in(address, each) for each in networks)


@cache
def _is_in(address: str, network: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)


class Calico:
    """Policies in order."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.known: dict[Any, set[str]] = {}
        self.policies = sorted(
            [
                *(self.of_kubernetes(each) for each in world.kubernetes),
                *(self.own(each, "") for each in world.calico.get("GlobalNetworkPolicy", [])),
                *(self.own(each, each["metadata"]["namespace"]) for each in world.calico.get("NetworkPolicy", [])),
            ],
            key=lambda each: (each["order"], each["key"]),
        )

    def own(self, item: Object, space: str) -> Object:
        spec, name = item["spec"], item["metadata"]["name"]
        order = spec.get("order")
        return {
            "key": f"{space}/{name}" if space else name, "space": space, "title": name, "spec": spec,
            "order": float("inf") if order is None else order, "types": spec.get("types") or ["Ingress", "Egress"],
        }  # fmt: skip

    def of_kubernetes(self, item: Object) -> Object:
        space, spec = item["metadata"]["namespace"], item["spec"]
        converted: Object = {"selector": labels_as_selector(spec["podSelector"])}
        for direction, ends, end in (("ingress", "from", "source"), ("egress", "to", "destination")):
            converted[direction] = [
                {"action": "Allow", end: self.peer(peer), **self.port(port, end)}
                for rule in spec.get(direction) or []
                for peer in rule.get(ends) or [None]
                for port in rule.get("ports") or [None]
            ]
        name = item["metadata"]["name"]
        return {"key": f"{space}/knp.default.{name}", "space": space, "title": name, "spec": converted, "order": 1000.0,
                "types": spec["policyTypes"]}  # fmt: skip

    @staticmethod
    def peer(peer: Object | None) -> Object:
        if peer is None:
            return {}
        if "ipBlock" in peer:
            return {"nets": [peer["ipBlock"]["cidr"]], "notNets": peer["ipBlock"].get("except") or []}
        own = "projectcalico.org/orchestrator == 'k8s'"
        found = {"selector": f"({labels_as_selector(peer.get('podSelector') or {})}) && {own}"}
        if "namespaceSelector" in peer:
            found["namespaceSelector"] = labels_as_selector(peer["namespaceSelector"])
        return found

    @staticmethod
    def port(port: Object | None, end: str) -> Object:
        if port is None:
            return {}
        found: Object = {"protocol": port.get("protocol", "TCP")}
        if "port" in port:
            text = f"{port['port']}:{port['endPort']}" if "endPort" in port else port["port"]
            found["own-ports"] = [text]
        return found

    def selects(self, policy: Object, end: End) -> bool:
        spec = policy["spec"]
        if policy["space"] and end.namespace != policy["space"]:
            return False
        spaces, accounts = spec.get("namespaceSelector"), spec.get("serviceAccountSelector")
        if spaces and not fits(spaces, self.namespace_labels(end.namespace)):
            return False
        if accounts and not fits(accounts, {"projectcalico.org/name": end.account}):
            return False
        return fits(spec.get("selector") or "", self.labels(end))

    def namespace_labels(self, space: str) -> Labels:
        return {**self.world.namespaces[space], "projectcalico.org/name": space}

    def labels(self, end: End) -> Labels:
        return {
            **end.labels, "projectcalico.org/namespace": end.namespace, "projectcalico.org/orchestrator": "k8s",
            "projectcalico.org/serviceaccount": end.account,
        }  # fmt: skip

    def members(self, selector: str, spaces: str | None, accounts: list[str] | None) -> set[str]:
        """The addresses of everything that a selector means; `spaces` is a selector, or `=NAME`."""
        key = (selector, spaces, tuple(accounts or ()))
        if key not in self.known:
            self.known[key] = self.look_up(selector, spaces, accounts)
        return self.known[key]

    def look_up(self, selector: str, spaces: str | None, accounts: list[str] | None) -> set[str]:
        found: set[str] = set()
        for end in self.world.pods:
            there = spaces is None or (
                end.namespace == spaces[1:] if spaces.startswith("=") else
                spaces != "global()" and fits(spaces, self.namespace_labels(end.namespace))
            )  # fmt: skip
            if there and fits(selector, self.labels(end)) and (accounts is None or end.account in accounts):
                found.add(f"{end.address}/32")
        for kind in ("GlobalNetworkSet", "NetworkSet"):
            for item in self.world.calico.get(kind, []):
                space = item["metadata"].get("namespace", "")
                labels = {
                    **item["metadata"].get("labels", {}),
                    **({"projectcalico.org/namespace": space} if space else {}),
                }
                if spaces is None:
                    there = True
                elif spaces.startswith("="):
                    there = space == spaces[1:]
                elif space:
                    there = spaces != "global()" and fits(spaces, self.namespace_labels(space))
                else:
                    there = spaces == "global()" or (spaces != "all()" and fits(spaces, {}))
                if there and accounts is None and fits(selector, labels):
                    found.update(item["spec"]["nets"])
        return found

    def matches(self, entity: Object, space: str, address: str) -> bool:
        accounts = (entity.get("serviceAccounts") or {}).get("names")
        spaces = entity.get("namespaceSelector")
        if entity.get("selector") or entity.get("notSelector") or spaces or accounts:
            where = spaces or (f"={space}" if space else None)
            if (where or entity.get("selector") or accounts) and not within(
                address, self.members(entity.get("selector") or "", where, accounts)
            ):
                return False
        if entity.get("notSelector") and within(address, self.members(entity["notSelector"], None, None)):
            return False
        if entity.get("nets") and not within(address, entity["nets"]):
            return False
        return not (entity.get("notNets") and within(address, entity["notNets"]))

    def allows(self, end: End, direction: str, other: End, traffic: Traffic) -> bool:
        """True if a pod's policies let a packet of a connection pass."""
        applying = [
            each for each in self.policies if direction.capitalize() in each["types"] and self.selects(each, end)
        ]
        target = end if direction == "ingress" else other
        for policy in applying:
            for rule in policy["spec"].get(direction) or []:
                entity = rule.get("source" if direction == "ingress" else "destination") or {}
                if self.carries(rule, target, traffic) and self.matches(entity, policy["space"], other.address):
                    return str(rule["action"]) != "Deny"
        return not applying

    @staticmethod
    def carries(rule: Object, target: End, traffic: Traffic) -> bool:
        if rule.get("protocol") and rule["protocol"] != traffic.protocol:
            return False
        if rule.get("icmp") and rule["icmp"]["type"] != traffic.number:
            return False
        there = rule.get("destination") or {}

        def listed(ports: Iterable[str | int]) -> bool:
            for port in map(str, ports):
                low, _, high = port.partition(":")
                if low.isdigit():
                    if int(low) <= traffic.number <= int(high or low):
                        return True
                elif target.ports.get(port) == str(traffic.number):
                    return True
            return False

        wanted = [*there.get("ports", []), *rule.get("own-ports", [])]
        return (not wanted or listed(wanted)) and not listed(there.get("notPorts", []))


def labels_as_selector(selector: Object) -> str:
    parts = [f"{key} == '{value}'" for key, value in (selector.get("matchLabels") or {}).items()]
    for each in selector.get("matchExpressions") or []:
        values = ", ".join(f"'{value}'" for value in each.get("values") or [])
        parts.append(
            {"In": f"{each['key']} in {{{values}}}", "NotIn": f"{each['key']} not in {{{values}}}",
             "Exists": f"has({each['key']})", "DoesNotExist": f"!has({each['key']})"}[each["operator"]]
        )  # fmt: skip
    return " && ".join(parts) or "all()"
