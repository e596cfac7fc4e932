"""Prints what a node's network looks like, as one line of JSON. Runs on the node, standard library only.

Needs the host's network and PID namespaces. Reads files, changes nothing.
"""

import gzip
import ipaddress
import json
import pathlib
import socket
import struct

ROOT = pathlib.Path("/proc/1/root")
# Without these no program of Cilium's is loaded and no tunnel made (source: its system requirements); the others that
# are listed there cost a feature each.
OPTIONS = (
    "BPF", "BPF_SYSCALL", "NET_CLS_BPF", "NET_CLS_ACT", "NET_SCH_INGRESS", "CGROUP_BPF", "FIB_RULES", "VXLAN", "GENEVE",
)  # fmt: skip


def udp_ports() -> list[int]:
    """Local UDP ports in use, tunnels of the kernel's own included."""
    ports: set[int] = set()
    for name in ("udp", "udp6"):
        table = pathlib.Path("/proc/net") / name
        if table.exists():
            for line in table.read_text().splitlines()[1:]:
                ports.add(int(line.split()[1].rpartition(":")[2], 16))
    return sorted(ports)


def routes() -> list[list[str]]:
    """IPv4 routes as [network, interface]; the default route is left out."""
    found: list[list[str]] = []
    for line in pathlib.Path("/proc/net/route").read_text().splitlines()[1:]:
        fields = line.split()
        address = socket.inet_ntoa(struct.pack("<L", int(fields[1], 16)))
        mask = socket.inet_ntoa(struct.pack("<L", int(fields[7], 16)))
        network = ipaddress.ip_network(f"{address}/{mask}", strict=False)
        if network.prefixlen:
            found.append([str(network), fields[0]])
    return sorted(found)


def default_devices() -> list[str]:
    """Interfaces that a default route leads through, of either address family."""
    found: set[str] = set()
    for line in pathlib.Path("/proc/net/route").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1] == fields[7] == "00000000":
            found.add(fields[0])
    table = pathlib.Path("/proc/net/ipv6_route")
    for line in table.read_text().splitlines() if table.exists() else []:
        fields = line.split()
        # Without a gateway it is the kernel's own entry, which rejects.
        if fields[1] == "00" and fields[4].strip("0"):
            found.add(fields[9])
    return sorted(found)


def interfaces() -> dict[str, int]:
    """Names of the interfaces with their MTU in bytes."""
    return {
        entry.name: int((entry / "mtu").read_text())
        for entry in sorted(pathlib.Path("/sys/class/net").iterdir())
        if (entry / "mtu").exists()
    }


def cni_conf() -> list[str]:
    """File names in the CNI conf folder, in the order that the container run time reads them."""
    folder = ROOT / "etc/cni/net.d"
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def rp_filter() -> "int | None":
    """The reverse path filter for all devices: 0 off, 1 strict, 2 loose; the larger of it and a device's own holds."""
    file = pathlib.Path("/proc/sys/net/ipv4/conf/all/rp_filter")
    return int(file.read_text()) if file.exists() else None


def kernel_lacks() -> list[str]:
    """Which of the options that Cilium needs the kernel was built without; none if it does not say how it was built."""
    release = pathlib.Path("/proc/sys/kernel/osrelease").read_text().strip()
    packed, plain = pathlib.Path("/proc/config.gz"), ROOT / f"boot/config-{release}"
    if packed.exists():
        text = gzip.decompress(packed.read_bytes()).decode()
    elif plain.exists():
        text = plain.read_text()
    else:
        return []
    built = {line.partition("=")[0] for line in text.splitlines() if line.endswith(("=y", "=m"))}
    return [option for option in OPTIONS if f"CONFIG_{option}" not in built]


print(
    json.dumps(
        {
            "cni_conf": cni_conf(),
            "default_devices": default_devices(),
            "interfaces": interfaces(),
            "routes": routes(),
            "udp_ports": udp_ports(),
            "rp_filter": rp_filter(),
            "kernel_lacks": kernel_lacks(),
            "boot_id": pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        }
    )
)
