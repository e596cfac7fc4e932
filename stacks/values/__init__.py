"""Helm values for Cilium beside the old CNI, and for Cilium alone; each value that the program sets has a reason."""

from stacks.values.chosen_values import MethodValue, final_method, migration_method
from stacks.values.contradictions import Contradiction, contradictions
from stacks.values.expected_config_map import live_settings, settings_faults
from stacks.values.merged_values import final_values, migration_values, opens_host_ports, replaces_kube_proxy
from stacks.values.node_config import CNI_CONF, HOST_CONF_FOLDER, MIGRATED_LABEL, PORTMAP, node_config
from stacks.values.tree import leaves, merge, value_at
from stacks.values.values_by_phase import ToldValue, told_values

__all__ = [
    "CNI_CONF",
    "HOST_CONF_FOLDER",
    "MIGRATED_LABEL",
    "PORTMAP",
    "Contradiction",
    "MethodValue",
    "ToldValue",
    "contradictions",
    "final_method",
    "final_values",
    "leaves",
    "live_settings",
    "merge",
    "migration_method",
    "migration_values",
    "node_config",
    "opens_host_ports",
    "replaces_kube_proxy",
    "settings_faults",
    "told_values",
    "value_at",
]
