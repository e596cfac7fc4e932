"""The CiliumNodeConfig that makes the agent of a labelled node take over that node's CNI conf."""

from collections.abc import Mapping
from typing import Any

from stacks.strategies import DEFAULT
from stacks.values.tree import value_at

MIGRATED_LABEL = DEFAULT.switch_label
CNI_CONF = "05-cilium.conflist"
PORTMAP = "portmap"
HOST_CONF_FOLDER = "/host/etc/cni/net.d"  # the agents' mount of the nodes' CNI conf folder
NODE_CONFIG_KEYS = ("write-cni-conf-when-ready", "custom-cni-conf", "cni-chaining-mode", "cni-exclusive")


def node_config(values: Mapping[str, Any], *, label: str = MIGRATED_LABEL) -> dict[str, Any]:
    """The spec of the CiliumNodeConfig, for the Helm values of the release."""
    return {
        "nodeSelector": {"matchLabels": {label: "true"}},
        "defaults": {
            "write-cni-conf-when-ready": f"{HOST_CONF_FOLDER}/{CNI_CONF}",
            "custom-cni-conf": "false",
            # It overrides the ConfigMap, so the values' choice for host ports must be repeated here.
            "cni-chaining-mode": PORTMAP if value_at(values, "cni.chainingMode") == PORTMAP else "none",
            "cni-exclusive": "true",
        },
    }
