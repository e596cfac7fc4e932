"""The catalogue of all checks, in the order in which they run and are documented."""

from components.checks.cluster import access, control_plane, distribution, node_managers, outsiders, versions
from components.checks.cluster import general as cluster
from components.checks.framework.check import Check
from components.checks.network import addresses, encryption, policies, services
from components.checks.network import autodetection as detection
from components.checks.network import both_networks as window
from components.checks.network import cni_owners as neighbours
from components.checks.network import old_cni_settings as source
from components.checks.network import pool_and_tunnel as network
from components.checks.nodes import inspected, waves
from components.checks.nodes import moving_nodes as nodes
from components.checks.nodes import own_pods as pods
from components.checks.nodes import replacements as places
from components.checks.nodes import staying_pods as staying
from components.checks.nodes import unrecognised as unrecognised
from components.checks.nodes import writable_folders as writable
from components.checks.phases import agents, release, removals, way_back
from components.checks.phases import phase_gates as gates

CATALOGUE: tuple[Check, ...] = (
    gates.foreign_cilium,
    gates.strategy_kept,
    gates.one_run_at_a_time,
    nodes.nodes_known,
    nodes.nodes_linux,
    nodes.windows_nodes,
    gates.secondary_complete,
    gates.all_nodes_migrated,
    gates.finalize_complete,
    gates.no_way_back_from_here,
    way_back.way_back_is_written,
    way_back.turn_known,
    way_back.cilium_kept,
    way_back.way_back,
    way_back.way_back_drainable,
    release.helm_operation,
    release.release_known,
    gates.cleanup_consent,
    removals.cleanup_removals,
    access.permissions,
    access.required_workloads,
    pods.pods_references,
    pods.pods_node_selector,
    pods.pods_accepted,
    versions.kubernetes_version,
    versions.kubernetes_tested,
    versions.cilium_version,
    versions.kernel_version,
    inspected.kernel_features,
    inspected.cilium_leftovers,
    inspected.cilium_taints,
    inspected.cni_folders,
    writable.cni_folders_writable,
    inspected.mtu_equal,
    network.pod_cidr_free,
    network.pod_addresses_known,
    unrecognised.nodes_placed,
    unrecognised.host_network_placed,
    unrecognised.routes_placed,
    addresses.addresses_known,
    network.pod_cidr_capacity,
    network.tunnel_port_free,
    network.method_values,
    detection.autodetection,
    distribution.distribution,
    source.source_data_plane,
    source.calico_groups,
    source.bgp,
    encryption.encryption_ends,
    encryption.encryption_fits,
    nodes.nodes_ready,
    nodes.nodes_inspected,
    cluster.node_conditions,
    cluster.clocks,
    cluster.dual_stack,
    services.host_ports,
    neighbours.chained_plugins,
    inspected.cni_confs,
    unrecognised.cni_confs_placed,
    inspected.rp_filter,
    agents.agents_ready,
    control_plane.managed_control_plane,
    control_plane.api_latency,
    waves.control_plane_last,
    waves.room_apart,
    waves.spare_capacity,
    nodes.drainable,
    pods.pods_quota,
    places.replacements_placed,
    places.replacements_known,
    staying.staying_pods_renewed,
    pods.pods_fit,
    node_managers.node_managers,
    cluster.budgets,
    window.admission_webhooks,
    window.dns_restart_loop,
    policies.network_policies,
    policies.policies_translated,
    policies.policies_lost,
    policies.identity_labels,
    policies.policy_kinds,
    services.kube_proxy_replacement,
    services.kube_proxy_mode,
    services.api_server_address,
    services.load_balancers,
    outsiders.pods_known_outside,
    addresses.endpoints_by_hand,
    neighbours.source_owner,
    nodes.marks_kept,
    nodes.turns_left_open,
    gates.new_nodes,
)
