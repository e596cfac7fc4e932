"""Every check, in the order in which they are read."""

from components.checks import gates, network, nodes, waves
from components.checks.finding import Check

CATALOGUE: tuple[Check, ...] = (
    Check(id="foreign-cilium", title="No other Cilium", find=gates.foreign_cilium, overridable=False),
    Check(id="one-run", title="No other run at work", find=gates.one_run_at_a_time, overridable=False),
    Check(id="nodes-known", title="Nodes of the waves exist", find=nodes.nodes_known, overridable=False),
    Check(
        id="secondary-complete",
        title="Cilium runs beside the old CNI",
        find=gates.secondary_complete,
        overridable=False,
    ),
    Check(id="all-nodes-migrated", title="Every node had its turn", find=gates.all_nodes_migrated, overridable=False),
    Check(id="finalize-complete", title="Cilium is alone", find=gates.finalize_complete, overridable=False),
    Check(id="no-way-back", title="Going back is possible", find=gates.no_way_back_from_here, overridable=False),
    Check(id="cleanup-consent", title="Consent to the removal", find=gates.cleanup_consent, overridable=False),
    Check(id="pod-cidr-free", title="Cilium's pool overlaps nothing", find=network.pod_cidr_free),
    Check(id="pod-cidr-capacity", title="Cilium's pool is large enough", find=network.pod_cidr_capacity),
    Check(id="tunnel-port-free", title="Cilium's tunnel port is free", find=network.tunnel_port_free),
    Check(id="method-values", title="Helm values fit the method", find=network.method_values),
    Check(id="nodes-ready", title="Nodes are Ready", find=nodes.nodes_ready),
    Check(id="control-plane-last", title="Control plane last", find=waves.control_plane_last),
    Check(id="room-apart", title="Pods that exclude each other have room", find=waves.room_apart),
    Check(id="drainable", title="Nodes can be drained", find=nodes.drainable),
    Check(id="turns-left-open", title="No turn was left half-way", find=nodes.turns_left_open),
    Check(id="new-nodes", title="Nodes outside the waves", find=gates.new_nodes),
)
