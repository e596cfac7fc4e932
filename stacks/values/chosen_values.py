"""The Helm values that the program sets: those that the migration depends on, and those chosen for the cluster."""

from dataclasses import dataclass
from typing import Any

from stacks.settle import AWS_RULES, BINARIES, CONF, DEFAULTS, Cilium
from stacks.virtual_nodes import TERMS

MIGRATING = "Cilium's page on migrating a cluster"
_CAPABILITIES = (
    "CHOWN", "KILL", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "SYS_ADMIN", "SYS_RESOURCE", "DAC_OVERRIDE", "FOWNER",
    "SETGID", "SETUID",
)  # fmt: skip
_TO_CLEAN = ("NET_ADMIN", "SYS_ADMIN", "SYS_RESOURCE")


@dataclass(frozen=True, kw_only=True)
class MethodValue:
    """One value with its reason; if `needed`, an override that contradicts it is refused with the remedy `instead`."""

    path: str
    value: Any
    reason: str
    needed: bool = True
    instead: str = ""


def _pools(cilium: Cilium) -> list[MethodValue]:
    operator, reasons = "ipam.operator.clusterPool", cilium.reasons
    found = [
        MethodValue(
            path=f"{operator}IPv4PodCIDRList",
            value=[cilium.pod_cidr],
            reason=reasons["pod_cidr"],
            instead="set cilium.podCidr instead, so that the checks see it",
        ),
        MethodValue(
            path=f"{operator}IPv4MaskSize",
            value=cilium.node_mask_size,
            reason=reasons["node_mask_size"],
            instead="set cilium.nodeMaskSize instead, so that the checks see it",
        ),
    ]
    if cilium.pod_cidr_v6 is None:
        return found
    return [
        *found,
        MethodValue(
            path="ipv6.enabled",
            value=True,
            reason="pods have IPv6 addresses, and the families of a cluster cannot change while it moves "
            f"({MIGRATING})",
        ),
        MethodValue(
            path=f"{operator}IPv6PodCIDRList",
            value=[cilium.pod_cidr_v6],
            reason=reasons["pod_cidr_v6"],
            instead="set cilium.podCidrV6 instead, so that the checks see it",
        ),
        MethodValue(
            path=f"{operator}IPv6MaskSize",
            value=cilium.node_mask_size_v6,
            reason=reasons["node_mask_size_v6"],
            instead="it follows from cilium.nodeMaskSize and cilium.podCidrV6",
        ),
    ]


def _for_the_devices(cilium: Cilium) -> list[MethodValue]:
    found = []
    if cilium.devices:
        found.append(
            MethodValue(path="devices", value=list(cilium.devices), reason=cilium.reasons["devices"], needed=False)
        )
    if any(each.startswith("!") for each in cilium.devices):
        found.append(
            MethodValue(
                path="forceDeviceDetection",
                value=True,
                reason="beside a list that only leaves devices out, the agents must still look for the others",
                needed=False,
            )
        )
    if cilium.mtu:
        found.append(MethodValue(path="MTU", value=cilium.mtu, reason=cilium.reasons["mtu"], needed=False))
    return found


def _encryption(cilium: Cilium) -> list[MethodValue]:
    if cilium.encryption == "none":
        return []
    reason = "set as cilium.encryption in the config: what Cilium's pods send from node to node is encrypted"
    instead = "set cilium.encryption instead, so that the checks and the size of packets see it"
    return [
        MethodValue(path="encryption.enabled", value=True, reason=reason, instead=instead),
        MethodValue(path="encryption.type", value=cilium.encryption, reason=reason, instead=instead),
    ]


def _for_the_system(cilium: Cilium) -> list[MethodValue]:
    """The agents' privileges on nodes with a read-only operating system (source: Talos' page on Cilium)."""
    if not cilium.read_only:
        return []
    path, mounted = "securityContext.capabilities", f"{cilium.read_only} has mounted it already, and forbids it"
    no_modules = f"{cilium.read_only} forbids SYS_MODULE, and a pod that asks for it is not started"
    return [
        MethodValue(path=f"{path}.ciliumAgent", value=list(_CAPABILITIES), reason=no_modules, needed=False),
        MethodValue(path=f"{path}.cleanCiliumState", value=list(_TO_CLEAN), reason=no_modules, needed=False),
        MethodValue(path="cgroup.autoMount.enabled", value=False, reason=mounted),
        MethodValue(path="cgroup.hostRoot", value="/sys/fs/cgroup", reason=mounted),
    ]


def _folders(cilium: Cilium) -> list[MethodValue]:
    """The CNI folders, if they differ from the chart's defaults."""
    found = (("cni.confPath", CONF, cilium.cni_conf_path), ("cni.binPath", BINARIES, cilium.cni_bin_path))
    return [
        MethodValue(path=path, value=value, reason=cilium.reasons[name], needed=False)
        for path, name, value in found
        if value != DEFAULTS[name]
    ]


def _off_virtual_nodes(cilium: Cilium, name: str) -> list[MethodValue]:
    terms = getattr(cilium, name)
    path, reason = f"affinity.nodeAffinity.{TERMS}", cilium.reasons[name]
    return [MethodValue(path=path, value=[dict(each) for each in terms], reason=reason, needed=False)] if terms else []


def _aws_rules(cilium: Cilium, *, alone: bool) -> list[MethodValue]:
    path, gone = "cni.iptablesRemoveAWSRules", "the chart's own choice: AWS VPC CNI's rules are of no use any more"
    reason = gone if alone else cilium.reasons[AWS_RULES]
    found = MethodValue(path=path, value=alone, reason=reason, needed=not alone)
    return [found] if cilium.keeps_aws_rules else []


def _common(cilium: Cilium) -> list[MethodValue]:
    chained = [
        MethodValue(path="cni.chainingMode", value=cilium.chaining, reason=cilium.reasons["chaining"], needed=False)
    ]
    return [
        MethodValue(
            path="kubeProxyReplacement",
            value="false",
            reason="kube-proxy keeps Services going; taking over from it cuts connections (cilium PR #16139, #24531)",
            needed=False,
        ),
        MethodValue(
            path="routingMode",
            value="tunnel",
            reason=f"the two networks meet through an overlay of Cilium's own ({MIGRATING})",
        ),
        MethodValue(
            path="tunnelProtocol",
            value=cilium.tunnel_protocol,
            reason=cilium.reasons["tunnel_protocol"],
            instead="set cilium.tunnelProtocol instead, so that the checks see it",
        ),
        MethodValue(
            path="tunnelPort",
            value=cilium.tunnel_port,
            reason=cilium.reasons["tunnel_port"],
            instead="set cilium.tunnelPort instead, so that the checks see it",
        ),
        *_for_the_devices(cilium),
        *_encryption(cilium),
        *_folders(cilium),
        *_for_the_system(cilium),
        MethodValue(
            path="ipam.mode",
            value="cluster-pool",
            reason=f"only cluster-pool gives the nodes a second range beside the old CNI's ({MIGRATING})",
        ),
        *_pools(cilium),
        MethodValue(
            path="cni.uninstall",
            value=False,
            reason="an agent that stops must not take the CNI conf of a running node with it",
        ),
        MethodValue(
            path="operator.rollOutPods",
            value=True,
            reason="the operator reads its settings when it starts, and some of them change from phase to phase",
            needed=False,
        ),
        *(chained if cilium.chaining != "none" else []),
    ]


def _policies_meanwhile(cilium: Cilium) -> MethodValue:
    path = "policyEnforcementMode"
    if cilium.bridged:
        return MethodValue(
            path=path,
            value="default",
            reason="policies.bridge: they hold on moved nodes, and rules of ours let the old network's addresses in",
        )
    return MethodValue(
        path=path, value="never", reason="traffic from pods of the old network has no identity and would be dropped"
    )


def migration_method(cilium: Cilium) -> list[MethodValue]:
    """The values while both networks run (source: Cilium's page on migrating a cluster)."""
    return [
        *_common(cilium),
        *_off_virtual_nodes(cilium, "node_terms"),
        MethodValue(
            path="operator.unmanagedPodWatcher.restart",
            value=False,
            reason="the operator would restart cluster DNS for ever: its pods are not Cilium's (cilium#6839, #11444)",
        ),
        MethodValue(
            path="operator.setNodeTaints",
            value=False,
            reason="nodes whose agent is not up yet would take no new pods, though the old CNI serves them",
        ),
        MethodValue(
            path="cni.customConf",
            value=True,
            reason="the agents would take every node's CNI conf at once instead of node by node",
        ),
        *_aws_rules(cilium, alone=False),
        _policies_meanwhile(cilium),
        MethodValue(
            path="bpf.hostLegacyRouting",
            value=True,
            reason="packets between the two networks pass through the host's routing",
        ),
    ]


def final_method(cilium: Cilium) -> list[MethodValue]:
    """The values once Cilium is alone."""
    return [
        *_common(cilium),
        *_off_virtual_nodes(cilium, "final_terms"),
        MethodValue(
            path="operator.unmanagedPodWatcher.restart",
            value=True,
            reason="pods that started before their node's agent are put right again",
        ),
        MethodValue(
            path="operator.setNodeTaints",
            value=True,
            reason="a node whose agent is not up yet has no network for new pods any more, and is closed to them",
            needed=False,
        ),
        MethodValue(path="cni.customConf", value=False, reason="the agents manage the CNI conf of every node"),
        *_aws_rules(cilium, alone=True),
        MethodValue(
            path="policyEnforcementMode",
            value="default",
            reason="every pod has an identity now: policies are enforced again",
            needed=False,
        ),
        MethodValue(
            path="bpf.hostLegacyRouting",
            value=True,
            reason=f"leaving the host's routing interrupts each node for a moment ({MIGRATING}): only if you wish it",
            needed=False,
        ),
    ]
