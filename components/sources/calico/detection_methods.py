"""Calico's autodetection methods for node addresses, and whether each can match one of Cilium's interfaces.

Calico walks the interfaces of a node from the newest to the oldest and takes the first that its method matches, when an
agent starts and every minute after (its node/pkg/lifecycle/startup/autodetection). Cilium's interfaces are the newest.
"""

import ipaddress
import re
from collections.abc import Sequence
from itertools import product

FIRST_FOUND = "first-found"
FROM_KUBERNETES = "kubernetes-internal-ip"
KNOWN_SINCE = (3, 22)  # of Calico (its node PR #1242)
# Environment variables of the DaemonSet that come from the pod's own fields.
_NODE_ITSELF = ("$(status.hostIP)", "$(status.podIP)")
_REFERENCE = "$("
# Used as long as Cilium's pool is not known.
ANY_POOL = ("0.0.0.0/0", "::/0")
# Of these cilium_host alone has addresses in every mode; an agent names a pod's link by twelve hexadecimal digits: here
# are names with every three of them, at the beginning, in between and at the end.
_OF_PODS = ("lxc_health", *(f"lxc{''.join(each) * 4}" for each in product("0123456789abcdef", repeat=3)))
_LINKS = ("cilium_host", "cilium_net", "cilium_vxlan", *_OF_PODS)
_COMMAS = re.compile(r"\s*,\s*")
# Syntax that Go's and Python's regular expressions read differently: groups with options, escapes, possessive
# repetition, nested classes.
_READ_DIFFERENTLY = re.compile(r"\(\?(?!:)|\\(?=[0-9A-Za-z])(?![dDwWsSbBA])|[*+?}]\+|\[[^\]]*\[")


def why_fooled(method: str, *, family: int, pools: Sequence[str] = ANY_POOL) -> str:
    """The reason why the method may pick one of Cilium's interfaces, as a clause; empty if it cannot.

    `family` is 4 or 6, `pools` are those that cilium_host may have its address of.
    """
    name, _, rest = method.partition("=")
    if method.startswith(FROM_KUBERNETES):  # it looks at the beginning alone
        return ""
    match name:
        case "first-found" if method == FIRST_FOUND:
            return "it takes the newest interface whose name it does not leave out, and it leaves out none of Cilium's"
        case "interface":
            return _by_interface(rest)
        case "skip-interface":
            return _by_skipped(rest)
        case "cidr":
            return _by_cidr(rest, family=family, pools=pools)
        case "can-reach":
            return _by_reaching(rest, family=family, pools=pools)
    return "it is none of the methods that are known here"


def _matched(patterns: str) -> list[str] | None:
    """Cilium's interfaces that Calico's expressions match; None if Python cannot read the expressions as Go does."""
    # As Calico joins them: an empty one among them matches every name.
    joined = f"({')|('.join(_COMMAS.split(patterns))})"
    if _READ_DIFFERENTLY.search(joined) or _REFERENCE in joined:
        return None
    try:
        expression = re.compile(joined, re.ASCII)
    except re.error:
        return None
    return [each for each in _LINKS if expression.search(each)]


def _by_interface(patterns: str) -> str:
    matched = _matched(patterns)
    if matched is None:
        return "its expression cannot be read here"
    return f"its expression matches {matched[0]}" if matched else ""


def _by_skipped(patterns: str) -> str:
    matched = _matched(patterns)
    if matched is None:
        return "its expression cannot be read here"
    known = set(matched)
    left = next((each for each in _LINKS if each not in known), "")
    return f"it does not leave out {left}" if left else ""


def _by_reaching(destination: str, *, family: int, pools: Sequence[str]) -> str:
    """The clause for `can-reach`, which takes the source address of the route there: Cilium adds routes to its pool."""
    if destination in _NODE_ITSELF:
        return ""
    try:
        address = ipaddress.ip_address(destination)
    except ValueError:
        return f"nobody can tell here by which address a packet to '{destination}' leaves, and Cilium adds routes"
    for pool in map(ipaddress.ip_network, pools):
        if address.version == family and address in pool:
            return f"{address} is of Cilium's pool, to which Cilium adds routes"
    return ""


def _by_cidr(cidrs: str, *, family: int, pools: Sequence[str]) -> str:
    for text in _COMMAS.split(cidrs):
        address, _, length = text.partition("/")
        try:
            network = ipaddress.ip_network(f"{address}/{int(length)}", strict=False)
        except ValueError:
            return f"'{text}' cannot be read as a CIDR"
        if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped:
            return f"{text} is an IPv4 network written as one of IPv6"
        for pool in map(ipaddress.ip_network, pools):
            if network.version == pool.version == family and network.overlaps(pool):
                return f"{network} holds addresses of Cilium's pool"
    return ""
