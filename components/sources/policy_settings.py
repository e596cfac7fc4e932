"""Settings of policy engines that act like a policy on every pod, regardless of its policies."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.operations.snapshot import Snapshot
from components.sources.calico.agent import felix_of
from components.sources.calico.settings import default_felix
from components.sources.facts.workload import containers, environment, place, title
from stacks.policies import OldSetting

Object = Mapping[str, Any]
_VARIABLE, _FIELD = "FELIX_DEFAULTENDPOINTTOHOSTACTION", "defaultEndpointToHostAction"
_MODE = "NETWORK_POLICY_ENFORCING_MODE"  # of AWS VPC CNI's policy agent


def settings_like_policies(snapshot: Snapshot, *, calico: bool, mode: str) -> tuple[OldSetting, ...]:
    """The settings that end with the old engine; `calico` is True if that is Calico, `mode` is Cilium's final mode."""
    found = [] if mode == "always" else [*_strict(snapshot)]
    if calico and (where := _own_node_denied(snapshot)):
        reason = (
            f"{where} is Drop, and no pod reaches its own node; under Cilium each does: a "
            "CiliumClusterwideNetworkPolicy for all pods with egressDeny to the entity `host`, and with "
            "enableDefaultDeny.egress false, says the same"
        )
        found.append(OldSetting(kind="FelixConfiguration", name="default", reason=reason))
    return tuple(found)


def _strict(snapshot: Snapshot) -> Iterator[OldSetting]:
    for item in snapshot.daemon_sets:
        if any(environment(item, each, snapshot).get(_MODE, "").lower() == "strict" for each in containers(item)):
            namespace, name = place(item)
            reason = (
                f"{_MODE} is strict, and a pod that no policy selects gets nothing through; under Cilium it is open: "
                "the Helm value policyEnforcementMode `always` in cilium.finalValues closes it"
            )
            yield OldSetting(kind="DaemonSet", namespace=namespace, name=name, reason=reason)


def _own_node_denied(snapshot: Snapshot) -> str:
    """The setting by which Felix drops traffic from pods to their own node; empty if it does not, or is not there.

    Calico's manifests and its operator set the variable; without it Felix drops.
    """
    there = False
    for item in snapshot.daemon_sets:
        agent = felix_of(item)
        if agent is None:
            continue
        there = True
        variables = environment(item, agent, snapshot)
        said = next((value for name, value in variables.items() if name.upper() == _VARIABLE), "")  # as Felix reads it
        if said:
            return f"{_VARIABLE} of {title(item)}" if _drops(said) else ""
    said = str(default_felix(snapshot).get(_FIELD) or "")
    if not said:
        return f"{_FIELD}, which nobody sets for Felix," if there else ""
    return f"{_FIELD} of FelixConfiguration default" if _drops(said) else ""


def _drops(said: str) -> bool:
    return said.lower() == "drop"
