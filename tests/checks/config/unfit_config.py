"""Configs that are well written and do not fit the cluster, and the line that each is refused with."""

from dataclasses import dataclass

from tests.checks.cases.makers import Make, alone, also, half_way, plain
from tests.checks.config.bad import POOL, WAVE, Raw
from tests.checks.site import Site


@dataclass(frozen=True, kw_only=True)
class Unfit:
    """Config that reads well and does not fit the cluster; `begins` is how its line does, `ends` the remedy."""

    name: str
    raw: Raw
    begins: str
    ends: str
    make: Make = plain


def with_a_block_of_the_pool(site: Site) -> None:
    site.node("worker-3", pod_cidrs=("10.245.7.0/24",))


def settled(site: Site) -> None:
    """Cilium runs beside Flannel."""
    site.nodes()
    site.cilium()


def _busy(site: Site) -> None:
    site.pod("game", ports=[{"containerPort": 1, "hostPort": 8473, "protocol": "UDP"}])


UNFIT = (
    Unfit(name="overlaps-the-old-pods", raw={"phase": "secondary", "cilium": '{"podCidr": "10.244.128.0/17"}'},
          begins="[pod-cidr-free] cilium.podCidr 10.244.128.0/17 overlaps 10.244.0.0/16, which is used by the pods of",
          ends="dr, and a free range is chosen; or set one that nothing uses"),
    Unfit(name="overlaps-services", raw={"phase": "secondary", "cilium": '{"podCidr": "10.96.0.0/12"}'},
          begins="[pod-cidr-free] cilium.podCidr 10.96.0.0/12 overlaps 10.96.0.0/16, which is used by the cluster's",
          ends="dr, and a free range is chosen; or set one that nothing uses"),
    Unfit(name="overlaps-a-nodes-pods", raw={"phase": "secondary", "cilium": POOL},
          make=also(with_a_block_of_the_pool),
          begins="[pod-cidr-free] cilium.podCidr 10.245.0.0/16 overlaps 10.245.7.0/24, which is used by the pods of no",
          ends="dr, and a free range is chosen; or set one that nothing uses"),
    Unfit(name="pool-too-small",
          raw={"phase": "secondary", "cilium": '{"podCidr": "10.245.0.0/16", "nodeMaskSize": 17}'},
          make=also(lambda site: site.node("worker-3")),
          begins="[pod-cidr-capacity] cilium.podCidr 10.245.0.0/16 holds 2 blocks of /17, the cluster has 3 nodes",
          ends="choose a larger cilium.podCidr or a larger cilium.nodeMaskSize"),
    Unfit(name="flannels-port", raw={"phase": "secondary", "cilium": '{"tunnelPort": "8472"}'},
          begins="[tunnel-port-free] cilium.tunnelPort 8472 is the UDP port of Flannel",
          ends="e one is chosen; or set one that nothing uses"),
    Unfit(name="port-of-a-pod", raw={"phase": "secondary", "cilium": '{"tunnelPort": 8473}'}, make=also(_busy),
          begins="[tunnel-port-free] cilium.tunnelPort 8473 is used by pod shop/game on node worker-1",
          ends="e one is chosen; or set one that nothing uses"),
    Unfit(name="value-against-the-method",
          raw={"phase": "secondary", "cilium": '{"values": {"policyEnforcementMode": "always"}}'},
          begins="[method-values] cilium.values sets policyEnforcementMode to 'always', the migration needs 'never'",
          ends="would be dropped)"),
    Unfit(name="node-typo", raw={"phase": "migrate", "waves": '[["worker1"]]'}, make=settled,
          begins="[nodes-known] node worker1 of the waves is not in the cluster (config waves[0][0])",
          ends="did you mean worker-1?"),
    Unfit(name="node-unknown", raw={"phase": "migrate", "waves": '[["worker-1"], ["db"]]'}, make=half_way,
          begins="[nodes-known] node db of the waves is not in the cluster (config waves[1][0])",
          ends="remove it from waves; the nodes are worker-1, worker-2"),
    Unfit(name="phase-too-early", raw={"phase": "migrate", "waves": WAVE},
          begins="[secondary-complete] phase 'migrate' moves nodes, but Cilium is not installed yet",
          ends="`pulumi config set phase secondary` and `pulumi config set waves '[]'`, then `pulumi up`"),
    Unfit(name="finalize-with-a-node-left", raw={"phase": "finalize", "waves": '[["worker-1"]]'}, make=half_way,
          begins="[all-nodes-migrated] phase 'finalize' needs every node on Cilium, but 1 of 2 are: worker-2 is not",
          ends="put it into `waves` with phase 'migrate' and run `pulumi up`"),
    Unfit(name="consent-to-another-cni", make=alone,
          raw={"phase": "cleanup", "waves": '[["worker-1"], ["worker-2"]]', "cleanup": '{"consent": "calico"}'},
          begins="[cleanup-consent] phase 'cleanup' removes Flannel for good",
          ends="`pulumi config set --path cleanup.consent flannel`"),
    Unfit(name="required-workload-missing", raw={"preflight": '{"required": ["DaemonSet shop/none"]}'},
          begins="[required-workloads] DaemonSet shop/none does not exist, and preflight.required names it",
          ends="bring it back, or take it out of preflight.required"),
)  # fmt: skip
