"""Leftovers of Calico on a node, and its kinds that hold what people wrote; under Canal as well."""

from components.operations.removal.sweep import Sweep
from components.sources.calico.objects import STAGED

LEFTOVERS = Sweep(
    links=("cali*", "vxlan.calico", "vxlan-v6.calico", "wireguard.cali", "wg-v6.cali", "bpf*.cali", "tunl0"),
    chains=("cali-", "califw-", "calitw-", "califh-", "calith-", "calipi-", "calipo-", "felix-"),
    comments=("cali:",),
    sets=("cali40", "cali60", "felix-"),
    conf=("calico",),
    tables=("calico",),  # of ip, ip6 and arp, in mode nftables (rke2#10955)
    protocols=("80",),  # Felix's own routes
    priorities=("99",),  # Felix's rule for what it encrypts by WireGuard
    annotations=("projectcalico.org/",),
)
# The rest of its kinds it writes itself.
WRITTEN_BY_USERS = (
    "networkpolicies", "globalnetworkpolicies", "networksets", "globalnetworksets", "hostendpoints", *STAGED
)  # fmt: skip
