"""Prints the facts of a node's network as one line of JSON. Runs on the node, standard library only.

Needs the host's network and PID namespaces. Reads files, changes nothing.
"""

import gzip
import ipaddress
import json
import pathlib
import re
import socket
import struct

from components.operations.on_node.container_runtimes import CONF_FOLDER, cni_folders
from components.operations.on_node.node_files import ROOT, cannot_write, names_of, on_host, read_only

# Of <linux/netlink.h> and <linux/rtnetlink.h>.
NLMSG_ERROR, NLMSG_DONE, NLM_F_REQUEST, NLM_F_DUMP = 2, 3, 1, 0x300
RTM_NEWADDR, RTM_GETADDR, IFA_ADDRESS, IFA_LOCAL, RT_SCOPE_LINK, RT_SCOPE_HOST = 20, 22, 1, 2, 253, 254
CONFS = (".conf", ".conflist", ".json")
# Of <linux/if.h> and <linux/if_arp.h>: PPP, IPIP, IPv6 in IPv6, SIT, GRE over IPv4 and IPv6, and none at all.
IFF_UP, TUNNEL_TYPES = 1, (512, 768, 769, 776, 778, 823, 65534)
TUNNELS = ("vxlan", "geneve", "wireguard", "ppp", "gtp")
RTM_NEWROUTE, RTM_GETROUTE, RTA_DST, RTA_OIF, RTA_MULTIPATH, RTA_TABLE = 24, 26, 1, 4, 9, 15
RTN_UNICAST, REJECTS, MAIN, CLONED = 1, (6, 7, 8), 254, 0x200
# Without these Cilium can load no program and make no tunnel (source: its system requirements); the others listed
# there are needed by single features.
OPTIONS = (
    "BPF", "BPF_SYSCALL", "NET_CLS_BPF", "NET_CLS_ACT", "NET_SCH_INGRESS", "CGROUP_BPF", "FIB_RULES", "VXLAN", "GENEVE",
)  # fmt: skip


def udp_ports() -> list[int]:
    """Local UDP ports in use, including those of the kernel's tunnels."""
    ports: set[int] = set()
    for name in ("udp", "udp6"):
        table = pathlib.Path("/proc/net") / name
        if table.exists():
            for line in table.read_text().splitlines()[1:]:
                ports.add(int(line.split()[1].rpartition(":")[2], 16))
    return sorted(ports)


def routes(*, further: bool = False) -> list[list[str]]:
    """Routes of both families as [network, interface], of the main table or of all others; `*` is no interface.

    Default routes are left out, and those that apply to this host or this link alone.
    """
    found = {each for message in dump(RTM_GETROUTE, 12, RTM_NEWROUTE) for each in route(message, further=further)}
    return [[network, device] for network, device in sorted(found)]


def route(message: bytes, *, further: bool) -> "list[tuple[str, str]]":
    """The route in one message of the kernel, once for each of its next hops."""
    family, length, _, _, table, _, _, kind, flags = struct.unpack_from("=8BL", message)
    parts = attributes(message[12:])
    table = struct.unpack("=L", parts[RTA_TABLE])[0] if RTA_TABLE in parts else table
    if family not in (socket.AF_INET, socket.AF_INET6) or kind not in (RTN_UNICAST, *REJECTS) or flags & CLONED:
        return []
    network = ipaddress.ip_network((parts.get(RTA_DST, b"\0" * (4 if family == socket.AF_INET else 16)), length))
    unheard = network.is_loopback or network.is_multicast or (network.version == 6 and network.is_link_local)
    if (table != MAIN) != further or not length or unheard:
        return []
    ways, rest = [parts[RTA_OIF]] if RTA_OIF in parts else [], parts.get(RTA_MULTIPATH, b"")
    while rest:
        ways.append(rest[4:8])
        rest = rest[struct.unpack_from("=H", rest)[0] + 3 & ~3 :]
    names = [device_of(struct.unpack("=L", each)[0]) for each in ways] or ["*"]
    return [(str(network), name) for name in names if name]


def device_of(index: int) -> str:
    """The name of a device; empty for one that has been deleted meanwhile, as pods' are."""
    try:
        return socket.if_indextoname(index)
    except OSError:
        return ""


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
        # Without a gateway it is the kernel's own entry, which rejects packets.
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


def kinds() -> dict[str, str]:
    """Interfaces that are `down`, a `bridge` or a `tunnel` without a link layer; others are left out."""
    found: dict[str, str] = {}
    for entry in sorted(pathlib.Path("/sys/class/net").iterdir()):
        if not (entry / "mtu").exists():
            continue
        told = re.findall(r"^DEVTYPE=(\w+)$", (entry / "uevent").read_text(), re.MULTILINE)
        if not int((entry / "flags").read_text(), 16) & IFF_UP:
            found[entry.name] = "down"
        elif "bridge" in told or (entry / "bridge").is_dir():
            found[entry.name] = "bridge"
        elif (
            not {*told}.isdisjoint(TUNNELS)
            or int((entry / "type").read_text()) in TUNNEL_TYPES
            or (entry / "tun_flags").exists()
        ):
            found[entry.name] = "tunnel"
    return found


def dump(asked: int, size: int, answered: int) -> "list[bytes]":
    """All messages of kind `answered` in the kernel's answer to a request, without their headers."""
    found: list[bytes] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as link:
        link.send(struct.pack("=LHHLL", 16 + size, asked, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + bytes(size))
        while True:
            answer = link.recv(1 << 20)
            while answer:
                length, kind = struct.unpack_from("=LH", answer)
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    return found
                if kind == answered:
                    found.append(answer[16:length])
                answer = answer[length + 3 & ~3 :]


def attributes(rest: bytes) -> "dict[int, bytes]":
    """The attributes at the end of a message."""
    found: dict[int, bytes] = {}
    while rest:
        size, kind = struct.unpack_from("=HH", rest)
        found[kind] = rest[4:size]
        rest = rest[size + 3 & ~3 :]
    return found


def addresses() -> list[list[str]]:
    """Addresses of all devices as [device, address], read from the kernel; the loopback's are left out."""
    return sorted(each for message in dump(RTM_GETADDR, 8, RTM_NEWADDR) for each in address(message))


def address(message: bytes) -> list[list[str]]:
    """The address in one message of the kernel; none if it applies to this host or this link alone."""
    family, length, _, scope, index = struct.unpack_from("=BBBBL", message)
    parts = attributes(message[8:])
    packed = parts.get(IFA_LOCAL) or parts.get(IFA_ADDRESS)  # the local end of a point-to-point link first
    if packed is None or scope == RT_SCOPE_HOST or (family == socket.AF_INET6 and scope == RT_SCOPE_LINK):
        return []
    device = device_of(index)
    return [[device, f"{socket.inet_ntop(family, packed)}/{length}"]] if device else []


def cni_conf(path: str) -> list[str]:
    """File names in the CNI conf folder, in the order in which the container run time reads them."""
    folder = on_host(path)
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def cni_plugins(path: str) -> dict[str, list[str]]:
    """The plugins that each conf in the folder names, in their order; an empty list for an unreadable conf."""
    return {name: plugins_of(on_host(f"{path}/{name}")) for name in cni_conf(path) if name.endswith(CONFS)}


def plugins_of(file: pathlib.Path) -> list[str]:
    """The plugins of a conf list, or the single one of a conf in the older format."""
    try:
        read = json.loads(file.read_text())
        return [str(each["type"]) for each in read.get("plugins", [read])]
    except (AttributeError, OSError, ValueError, KeyError, TypeError):
        return []


def rp_filter() -> "int | None":
    """The sysctl rp_filter for all devices: 0 off, 1 strict, 2 loose; the larger of it and a device's own applies."""
    file = pathlib.Path("/proc/sys/net/ipv4/conf/all/rp_filter")
    return int(file.read_text()) if file.exists() else None


def kernel_lacks() -> list[str]:
    """Options that Cilium needs and the kernel was built without; none if the kernel's config cannot be read."""
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


folders = cni_folders()
conf_folders = names_of(folders[0]) if folders else []
binary_folders = [name for folder in folders[1:] for name in names_of(folder)] if folders else []
print(
    json.dumps(
        {
            "addresses": addresses(),
            "cni_conf": cni_conf(folders[0] if folders else CONF_FOLDER),
            "cni_plugins": cni_plugins(folders[0] if folders else CONF_FOLDER),
            "cni_folders": conf_folders,
            "cni_binaries": binary_folders,
            "cni_read_only": read_only([*conf_folders, *binary_folders]),
            "cni_unwritable": {
                **cannot_write(conf_folders, as_owner_alone=False),
                **cannot_write(binary_folders, as_owner_alone=True),
            },
            "default_devices": default_devices(),
            "interfaces": interfaces(),
            "kinds": kinds(),
            "routes": routes(),
            "further_routes": routes(further=True),
            "udp_ports": udp_ports(),
            "rp_filter": rp_filter(),
            "kernel_lacks": kernel_lacks(),
            "boot_id": pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        }
    )
)
