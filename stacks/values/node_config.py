"""The CiliumNodeConfig: what makes the agent of a labelled node take over that node's CNI conf."""

from collections.abc import Mapping
from typing import Any

from stacks.values.tree import value_at

MIGRATED_LABEL = "io.cilium.migration/cilium-default"
CNI_CONF = "05-cilium.conflist"
PORTMAP = "portmap"


def node_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Its spec, with the values of the release that it goes with."""
    return {
        "nodeSelector": {"matchLabels": {MIGRATED_LABEL: "true"}},
        "defaults": {
            "write-cni-conf-when-ready": f"/host/etc/cni/net.d/{CNI_CONF}",
            "custom-cni-conf": "false",
            # It stands above the ConfigMap, so what the values say of host ports must be said here again.
            "cni-chaining-mode": PORTMAP if value_at(values, "cni.chainingMode") == PORTMAP else "none",
            "cni-exclusive": "true",
        },
    }
