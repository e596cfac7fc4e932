"""Builds the parts of which the lab's machines consist."""

from scripts.lab.cluster import configuration
from scripts.lab.images.rootfs import root_file_system
from scripts.lab.toolchain import build
from scripts.lab.toolchain import parts as catalogue


def build_parts() -> configuration.Parts:
    """Build the parts that the machines run from, unless they are in the cache."""
    return configuration.Parts(
        kubernetes=build.build_part(catalogue.KUBERNETES),
        kubernetes_node=build.build_part(catalogue.KUBERNETES_NODE),
        etcd=build.build_part(catalogue.ETCD),
        containerd=build.build_part(catalogue.CONTAINERD),
        runc=build.build_part(catalogue.RUNC),
        cni_plugins=build.build_part(catalogue.CNI_PLUGINS),
        root=root_file_system(),
    )
