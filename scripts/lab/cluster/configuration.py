"""Writes the machines' certificates, configuration files and boot plans."""

import os
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import yaml

from scripts.lab.cluster import cgroups
from scripts.lab.cluster.inside.plan import Bind, BootPlan
from scripts.lab.cluster.layout import Layout, Machine
from scripts.lab.cluster.pki import Authority, KeyPair, kubeconfig, service_account_keys, write_private
from scripts.lab.images import catalogue
from scripts.lab.paths import CHECKOUT

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NODE_PATH = f"/opt/lab/kubernetes:/opt/lab/containerd:/opt/lab/runc:{_PATH}"
_CONFIG = "/opt/lab/config"
_SHOWN_INSTEAD = {
    # Settings that kubelet requires.
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
_SHOWN_AS_IT_IS = (
    # Settings that Cilium changes; the first cannot be restored before the machine itself reboots.
    "kernel/unprivileged_bpf_disabled",
    "kernel/timer_migration",
)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The folders of binaries and file systems that the machines run from."""

    kubernetes: Path
    kubernetes_node: Path
    etcd: Path
    containerd: Path
    runc: Path
    cni_plugins: Path
    root: Path


def write_all(layout: Layout, *, parts: Parts, folder: Path) -> None:
    """Write the files of every machine of a new lab below `folder`."""
    pki = folder / "pki"
    authority = _write_authority(pki)
    _write_control_plane(layout, parts=parts, folder=folder, authority=authority)
    for node in layout.nodes:
        write_node(layout, node, parts=parts, folder=folder)


def machine_folder(folder: Path, name: str) -> Path:
    """The folder of one machine's disk, log and configuration."""
    return folder / "nodes" / name


def write_admin_kubeconfig(folder: Path, *, port: int) -> Path:
    """Write the administrator's kubeconfig, for use on the host."""
    authority = Authority.load(folder / "pki", "ca")
    path = folder / "kubeconfig"
    admin = authority.client("lab-admin", groups=["system:masters"])
    text = kubeconfig(server=f"https://127.0.0.1:{port}", authority=authority.pair.certificate, client=admin)
    write_private(path, text.encode())
    return path


def _write_authority(pki: Path) -> Authority:
    authority = Authority.create("lab authority")
    authority.pair.write(pki, "ca")
    private, public = service_account_keys()
    write_private(pki / "service-accounts.key", private)
    (pki / "service-accounts.pub").write_bytes(public)
    return authority


def _write_control_plane(layout: Layout, *, parts: Parts, folder: Path, authority: Authority) -> None:
    machine = layout.control_plane
    pki, home = folder / "pki", machine_folder(folder, machine.name)
    for name in ("config", "log", "etcd"):
        (home / name).mkdir(parents=True, exist_ok=True)
    (home / "etcd").chmod(0o700)
    service = "kubernetes.default.svc"
    authority.server(
        "kube-apiserver",
        names=["localhost", "kubernetes", "kubernetes.default", service, f"{service}.{layout.cluster_domain}"],
        addresses=[machine.address, IPv4Address("127.0.0.1"), layout.api_service],
    ).write(pki, "apiserver")
    authority.client("kube-apiserver-kubelet-client", groups=["system:masters"]).write(pki, "apiserver-kubelet-client")
    for name in ("kube-controller-manager", "kube-scheduler"):
        _write_kubeconfig(home / "config" / f"{name}.kubeconfig", layout, authority, authority.client(f"system:{name}"))
    trees = cgroups.machine_hierarchies()
    BootPlan(
        name=machine.name,
        address=str(machine.address),
        prefix_length=layout.lan.prefixlen,
        gateway=str(layout.gateway),
        daemons=_control_plane_daemons(layout, parts=parts, pki=pki, home=home),
        environment={
            "PATH": os.environ.get("PATH", _PATH),
            "HOME": "/root",
            "LAB_ID": layout.lab_id,
            "LAB_AUTHORITY": str(pki / "ca.crt"),
            "LAB_API_SERVER": layout.api_server,
        },
        logs=str(home / "log"),
        cgroups_version_1=_version_1(trees),
        cgroups_version_2=any(tree.version == 2 for tree in trees),
    ).write(home / "config/boot.json")


def _control_plane_daemons(layout: Layout, *, parts: Parts, pki: Path, home: Path) -> dict[str, list[str]]:
    def flags(**values: object) -> list[str]:
        return [f"--{name.replace('_', '-')}={value}" for name, value in values.items()]

    def own_kubeconfig(name: str) -> list[str]:
        path = home / "config" / f"{name}.kubeconfig"
        return flags(kubeconfig=path, authentication_kubeconfig=path, authorization_kubeconfig=path)

    peer, clients = "http://127.0.0.1:2380", "http://127.0.0.1:2379"
    return {
        "etcd": [
            str(parts.etcd / "etcd"),
            *flags(
                name="lab",
                data_dir=home / "etcd",
                listen_client_urls=clients,
                advertise_client_urls=clients,
                listen_peer_urls=peer,
                initial_advertise_peer_urls=peer,
                initial_cluster=f"lab={peer}",
                log_level="warn",
                # The lab's state need not outlive a power cut, and the disk must not slow the cluster down.
                unsafe_no_fsync="true",
            ),
        ],
        "kube-apiserver": [
            str(parts.kubernetes / "kube-apiserver"),
            *flags(
                etcd_servers=clients,
                bind_address="0.0.0.0",  # noqa: S104 - of its own namespace
                advertise_address=layout.control_plane.address,
                secure_port=layout.api_port,
                service_cluster_ip_range=layout.services,
                authorization_mode="Node,RBAC",
                enable_admission_plugins="NodeRestriction",
                allow_privileged="true",
                client_ca_file=pki / "ca.crt",
                tls_cert_file=pki / "apiserver.crt",
                tls_private_key_file=pki / "apiserver.key",
                kubelet_client_certificate=pki / "apiserver-kubelet-client.crt",
                kubelet_client_key=pki / "apiserver-kubelet-client.key",
                kubelet_certificate_authority=pki / "ca.crt",
                kubelet_preferred_address_types="InternalIP",
                service_account_key_file=pki / "service-accounts.pub",
                service_account_signing_key_file=pki / "service-accounts.key",
                service_account_issuer=f"https://kubernetes.default.svc.{layout.cluster_domain}",
            ),
        ],
        "kube-controller-manager": [
            str(parts.kubernetes / "kube-controller-manager"),
            *own_kubeconfig("kube-controller-manager"),
            *flags(
                service_account_private_key_file=pki / "service-accounts.key",
                root_ca_file=pki / "ca.crt",
                cluster_signing_cert_file=pki / "ca.crt",
                cluster_signing_key_file=pki / "ca.key",
                use_service_account_credentials="true",
                allocate_node_cidrs="true",
                cluster_cidr=layout.pods,
                service_cluster_ip_range=layout.services,
                leader_elect="false",
                bind_address="127.0.0.1",
            ),
        ],
        "kube-scheduler": [
            str(parts.kubernetes / "kube-scheduler"),
            *own_kubeconfig("kube-scheduler"),
            *flags(leader_elect="false", bind_address="127.0.0.1"),
        ],
    }


def _write_kubeconfig(path: Path, layout: Layout, authority: Authority, client: KeyPair) -> None:
    text = kubeconfig(server=layout.api_server, authority=authority.pair.certificate, client=client)
    write_private(path, text.encode())


def _version_1(trees: list[cgroups.Hierarchy]) -> tuple[str, ...]:
    return tuple(tree.options for tree in trees if tree.version == 1)


def write_node(layout: Layout, node: Machine, *, parts: Parts, folder: Path) -> None:
    """Write one node's certificates, configuration and boot plan."""
    authority = Authority.load(folder / "pki", "ca")
    home = machine_folder(folder, node.name)
    config = home / "config"
    for name in ("config", "log/traffic", "disk", "kubelet", "containerd"):
        (home / name).mkdir(parents=True, exist_ok=True)
    (config / "ca.crt").write_bytes(authority.pair.certificate)
    identity = f"system:node:{node.name}"
    authority.server(identity, names=[node.name], addresses=[node.address]).write(config, "kubelet")
    _write_kubeconfig(
        config / "kubelet.kubeconfig", layout, authority, authority.client(identity, groups=["system:nodes"])
    )
    _write_kubeconfig(config / "kube-proxy.kubeconfig", layout, authority, authority.client("system:kube-proxy"))
    (config / "containerd.toml").write_text(_containerd(layout))
    (config / "kubelet.yaml").write_text(yaml.safe_dump(_kubelet(layout)))
    (config / "kube-proxy.yaml").write_text(yaml.safe_dump(_kube_proxy(layout, node)))
    programs = {
        "kubernetes": parts.kubernetes_node,
        "containerd": parts.containerd,
        "runc": parts.runc,
        "cni-plugins": parts.cni_plugins,
    }
    trees = cgroups.machine_hierarchies()
    shown = {setting: Path("/proc/sys", setting) for setting in _SHOWN_AS_IT_IS}
    BootPlan(
        name=node.name,
        address=str(node.address),
        prefix_length=layout.lan.prefixlen,
        gateway=str(layout.gateway),
        daemons={
            "containerd": ["containerd", "--config", f"{_CONFIG}/containerd.toml"],
            "kubelet": [
                "kubelet",
                f"--config={_CONFIG}/kubelet.yaml",
                f"--kubeconfig={_CONFIG}/kubelet.kubeconfig",
                f"--hostname-override={node.name}",
                f"--node-ip={node.address}",
                "--v=2",
            ],
            "kube-proxy": ["kube-proxy", f"--config={_CONFIG}/kube-proxy.yaml"],
        },
        environment={
            "PATH": NODE_PATH,
            "HOME": "/root",
            "LAB_ID": layout.lab_id,
        },
        logs="/var/log",
        base=str(parts.root),
        disk=str(home / "disk"),
        binds=(
            Bind(source=str(CHECKOUT / "scripts"), target="/opt/lab/python/scripts", read_only=True),
            Bind(source=str(config), target=_CONFIG, read_only=True),
            *(Bind(source=str(path), target=f"/opt/lab/{name}", read_only=True) for name, path in programs.items()),
            # Not on the overlay: containerd mounts overlays of its own, and kubelet mounts the pods' volumes.
            Bind(source=str(home / "containerd"), target="/var/lib/containerd"),
            Bind(source=str(home / "kubelet"), target="/var/lib/kubelet"),
            Bind(source=str(home / "log"), target="/var/log"),
        ),
        cgroups_version_1=_version_1(trees),
        cgroups_version_2=any(tree.version == 2 for tree in trees),
        shields=_SHOWN_INSTEAD
        | {setting: path.read_text().strip() for setting, path in shown.items() if path.exists()},
    ).write(config / "boot.json")


def _containerd(layout: Layout) -> str:
    return f"""\
version = 3
root = '/var/lib/containerd'
state = '/run/containerd'
disabled_plugins = ['io.containerd.nri.v1.nri', 'io.containerd.snapshotter.v1.erofs',
  'io.containerd.snapshotter.v1.blockfile']
[grpc]
address = '/run/containerd/containerd.sock'
[plugins.'io.containerd.cri.v1.images']
snapshotter = 'overlayfs'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '{catalogue.PAUSE}'
[plugins.'io.containerd.cri.v1.runtime']
# Not every root may lower the score of a process below its own.
restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['/opt/cni/bin']
conf_dir = '{layout.conf_folder}'
[plugins.'io.containerd.cri.v1.runtime'.containerd]
default_runtime_name = 'runc'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = '/opt/lab/runc/runc'
SystemdCgroup = false
"""


def _kubelet(layout: Layout) -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # Each kubelet sees the whole host; the reservations keep the sum for pods within what the host has.
    share = memory // (layout.node_count + 1)
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "failSwapOn": False,
        "cgroupDriver": "cgroupfs",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "resolvConf": "/etc/resolv.conf",
        "clusterDomain": layout.cluster_domain,
        "clusterDNS": [str(layout.dns)],
        "staticPodPath": "/etc/kubernetes/manifests",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{_CONFIG}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{_CONFIG}/kubelet.crt",
        "tlsPrivateKeyFile": f"{_CONFIG}/kubelet.key",
        "systemReserved": {"memory": str(memory - share)},
        # The host's disk is not the lab's to clean, and a removed image could not be pulled again.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
    }


def _kube_proxy(layout: Layout, node: Machine) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": f"{_CONFIG}/kube-proxy.kubeconfig"},
        "clusterCIDR": str(layout.pods),
        "hostnameOverride": node.name,
        # The connection tracking table is sized for the whole host; a node must not change it.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
