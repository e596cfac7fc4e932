"""Things on a cluster that this program does not recognise: DaemonSets, CNI confs, nodes and routes."""

from components.unrecognised.cni_confs import UnknownConf, unknown_confs
from components.unrecognised.daemon_sets import UnknownDaemonSet, unknown_daemon_sets
from components.unrecognised.nodes import UnknownNodes, unknown_nodes
from components.unrecognised.routes import UnknownRoute, unknown_routes

__all__ = [
    "UnknownConf",
    "UnknownDaemonSet",
    "UnknownNodes",
    "UnknownRoute",
    "unknown_confs",
    "unknown_daemon_sets",
    "unknown_nodes",
    "unknown_routes",
]
