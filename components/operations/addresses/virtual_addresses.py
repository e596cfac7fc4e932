"""Virtual addresses in the settings of programs that move them between nodes, such as kube-vip."""

import re

from components.operations.selectors import Object
from stacks.addresses import Network, addresses_in_text

# Programs that move addresses between nodes, by their images' or containers' names.
_MOVERS = re.compile(r"kube-?vip|keepalived|u?carp\b|vrrp|vip-?manager")


def virtual_addresses(spec: Object) -> tuple[Network, ...]:
    """Addresses in the settings of a program that moves addresses between nodes."""
    found: list[Network] = []
    for each in spec.get("containers") or []:
        if any(map(_MOVERS.search, (each.get("image", ""), each.get("name", "")))):
            words = [variable.get("value") or "" for variable in each.get("env") or []]
            words += [*(each.get("command") or []), *(each.get("args") or [])]
            found += [each for word in words for each in addresses_in_text(word) if not each.is_unspecified]
    return tuple(dict.fromkeys(each for each in found if not each.is_loopback))
