"""Annotations that request fixed addresses for a pod, or fixed source addresses for its outgoing traffic."""

import re
from collections.abc import Mapping

# Keys are matched by their ends, as each CNI has its own domain; dashes, underscores and case do not count.
_ASKS = re.compile(
    r"(?:static|fixed|floating|elastic|requested|reserved|allocated|sticky|preferred|pod|with)*e?ip(?:v[46])?"
    r"(?:s|(?:instance)?ids?|addrs?|addrsnoipam|address(?:es)?|pools?|attributes)?"
    r"|(?:hw|mac)addr(?:ess)?(?:es)?|podeni|allowedsourceprefixes"
)
_EGRESS = "egress."  # of whole domains, such as that of Calico's egress gateways
_TOLD_BY_CNIS = ("cni.projectcalico.org/podIP", "cni.projectcalico.org/podIPs")
_NOTHING = ("", "[]", "{}", "null", "false")


def wishes(annotations: Mapping[str, str]) -> Mapping[str, str]:
    """Such annotations of an object; those that the CNI itself writes are left out."""
    return {
        key: value
        for key, value in annotations.items()
        if key not in _TOLD_BY_CNIS and value.strip() not in _NOTHING and _asks(key)
    }


def _asks(key: str) -> bool:
    domain, _, name = key.rpartition("/")
    return domain.startswith(_EGRESS) or _ASKS.fullmatch(re.sub(r"[-_.]", "", name).lower()) is not None
