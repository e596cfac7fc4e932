"""The sweep in a network namespace of the real kernel: what each old CNI leaves goes, what others made stays."""

import os
import subprocess
from pathlib import Path

import pytest

from components.operations.removal.sweep import KUBE_PROXY, Sweep
from components.operations.removal.sweep_script import SCRIPT
from components.sources import kindnet
from components.sources.calico.leftovers import LEFTOVERS
from components.sources.calico.manifests import sweep as calico_sweep
from components.sources.flannel import daemon_set as flannel
from tests.builders import FLANNEL

# A node with a link of its own, and others through which neighbours are reached.
_NODE = """
set -e
ip link add eth0 type bridge; ip address add 172.30.0.11/24 dev eth0; ip link set eth0 up
ip -6 address add 2001:db8::11/64 dev eth0 nodad
"""
_LOOK = """
set +e
echo "== links"; ls /sys/class/net
for family in -4 -6; do
  echo "== routes"; ip $family route show table all | grep -v 'table local'; ip $family rule show
done
echo "== policies"; ip -o xfrm policy list
echo "== addresses"; ip -o address show | awk '{print $2, $4}'
for tool in iptables-nft iptables-legacy ip6tables-nft; do
  for table in nat filter; do echo "== rules"; $tool -t $table -S 2>/dev/null; done
done
"""
_TUNNEL = "tmpl src 172.30.0.11 dst 172.30.0.12 proto esp reqid 11 mode tunnel"
# Nobody's but the node's own: none of it goes, whatever is swept.
_OTHERS = (
    "ip link add calendar type bridge || true",
    "ip link add flannelette type bridge",
    "ip route add 10.9.0.0/16 via 172.30.0.254",
    "ip route add default via 172.30.0.1 proto bird",
    "ip route add 192.0.2.0/24 via 172.30.0.1 proto bird",
    "ip route add 10.244.128.0/17 via 172.30.0.3 proto static",
    "ip route add blackhole 198.51.100.0/24",
    "ip rule add pref 98 not fwmark 0x1/0x1 lookup 7",
    f"ip xfrm policy add src 10.244.0.0/16 dst 192.0.2.0/24 dir out {_TUNNEL}",
    f"ip xfrm policy add src 0.0.0.0/0 dst 10.245.0.0/16 dir out {_TUNNEL}",
    "ip rule add pref 99 from 192.0.2.0/24 lookup 7",
    "iptables-nft -A FORWARD -s 10.24.0.0/16 -j ACCEPT",
    "iptables-nft -A FORWARD -s 10.244.0.0/16 -j DROP",
    "iptables-nft -t nat -A POSTROUTING -s 10.244.0.0/16 -o tun0 -j MASQUERADE",
    "iptables-nft -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
    "iptables-nft -N KUBE-FIREWALL; iptables-nft -A INPUT -j KUBE-FIREWALL",
    "iptables-nft -N KUBE-ROUTER-INPUT; iptables-nft -A INPUT -j KUBE-ROUTER-INPUT",
    "iptables-nft -N CILIUM_FORWARD; iptables-nft -A FORWARD -j CILIUM_FORWARD",
    "iptables-legacy -A INPUT -m comment --comment 'no flanneld here' -j ACCEPT || true",
)
_NETS = ("10.244.0.0/16", "fd00:244::/56")
_FLANNEL = FLANNEL.model_copy(update={"pod_networks": _NETS, "links": ("flannel.4096", "cbr7")})
_CALICO = FLANNEL.model_copy(update={"kind": "calico", "title": "Calico", "pod_networks": _NETS, "links": ("tunl0",)})


def swept(theirs: tuple[str, ...], sweep: Sweep, tmp_path: Path) -> tuple[str, str, str, list[str]]:
    """The node before, with theirs, and after two sweeps; and what these said was left."""
    arguments = [*sweep.arguments[:-1], str(tmp_path)]
    quoted = " ".join(f"'{each}'" for each in ["sweep", *arguments])
    script = tmp_path.parent / f"{tmp_path.name}.sh"
    script.write_text(SCRIPT)
    look = f"({_LOOK})"
    steps = [_NODE, *_OTHERS, "echo =====1", look, *theirs, "echo =====2", look, "set +e"]
    steps += [f"sh {script} {quoted.partition(' ')[2]} | grep '^left:'"] * 2
    steps += ["echo =====3", look]
    command = ["unshare", "--net", "--mount", "sh", "-c", "mount -t sysfs none /sys\n" + "\n".join(steps)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if os.geteuid() or "unshare failed" in done.stderr or "iptables-nft: not found" in done.stderr:
        pytest.skip(f"no network namespace of our own with its tools: {done.stderr.strip()[-200:]}")
    parts = done.stdout.split("=====")
    assert len(parts) == 4, done.stderr[-500:]
    said = [line for line in done.stdout.splitlines() if line.startswith("left:")]
    return parts[1][2:], "\n".join(line for line in parts[2][2:].splitlines() if line not in said), parts[3][2:], said


_OF_FLANNEL = (
    "ip link add flannel.4096 type bridge; ip link add flannel.1 type bridge; ip link add cbr7 type bridge",
    "ip link add flannel-v6.1 type bridge; ip link add flannel-wg type bridge; ip link add flannel0 type bridge",
    "ip route add 10.244.2.0/24 via 172.30.0.12",
    "ip route add 10.244.3.0/24 via 172.30.0.13 dev eth0 onlink metric 7",
    "ip -6 route add fd00:244:0:2::/64 via 2001:db8::12",
    f"ip xfrm policy add src 10.244.1.0/24 dst 10.244.2.0/24 dir out {_TUNNEL}",
    f"ip xfrm policy add src 10.244.2.0/24 dst 10.244.1.0/24 dir fwd {_TUNNEL}",
    "iptables-nft -t nat -N FLANNEL-POSTRTG",
    "iptables-nft -t nat -A POSTROUTING -m comment --comment 'flanneld masq' -j FLANNEL-POSTRTG",
    "iptables-nft -t nat -A FLANNEL-POSTRTG -s 10.244.0.0/16 -j RETURN",
    "iptables-legacy -N FLANNEL-FWD && iptables-legacy -A FORWARD -j FLANNEL-FWD || true",
    "ip6tables-nft -N FLANNEL-FWD; ip6tables-nft -A FORWARD -m comment --comment 'flanneld forward' -j FLANNEL-FWD",
    # As it made them before 0.19, without any comment.
    "iptables-nft -t nat -A POSTROUTING -s 10.244.0.0/16 -d 10.244.0.0/16 -j RETURN",
    "iptables-nft -t nat -A POSTROUTING -s 10.244.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully",
    "iptables-nft -t nat -A POSTROUTING ! -s 10.244.0.0/16 -d 10.244.1.0/24 -j RETURN",
    "iptables-nft -t nat -A POSTROUTING ! -s 10.244.0.0/16 -d 10.244.0.0/16 -j MASQUERADE",
    "iptables-nft -A FORWARD -s 10.244.0.0/16 -j ACCEPT",
    "iptables-nft -A FORWARD -d 10.244.0.0/16 -j ACCEPT",
)
_OF_CALICO = (
    "ip link add vxlan.calico type bridge; ip link add calia1b2 type bridge; ip link add bpfin.cali type bridge",
    "ip link add tunl0 type bridge; ip address add 10.244.1.0/32 dev tunl0; ip link set tunl0 up",
    "ip route add blackhole 10.244.1.0/26 proto 80",
    "ip route add 10.244.2.0/26 via 172.30.0.12 proto bird",
    "ip route add blackhole 10.244.1.64/26 proto bird",
    "ip route add 10.244.4.0/26 proto bird nexthop via 172.30.0.12 nexthop via 172.30.0.13",
    "ip route add throw 10.244.5.0/24 table 1",
    "ip route add 10.244.6.0/26 via 172.30.0.12 proto 80 table 1",
    "ip -6 route add blackhole fd00:244::/122 proto 80",
    "ip rule add pref 99 not fwmark 0x100000/0x100000 lookup 1",
    "ip -6 rule add pref 99 not fwmark 0x100000/0x100000 lookup 1",
    "iptables-nft -N cali-INPUT; iptables-nft -I INPUT -m comment --comment cali:Cz_u1IQiXIMmKD4c -j cali-INPUT",
    "iptables-nft -N cali-fw-cali1; iptables-nft -A cali-INPUT -j cali-fw-cali1",
    "iptables-nft -A FORWARD -m comment --comment cali:S93hcgKJrXEqnTfs -m comment --comment 'Policy explicitly "
    "accepted packet.' -m mark --mark 0x10000/0x10000 -j ACCEPT",
    "iptables-nft -t nat -N felix-POSTROUTING; iptables-nft -t nat -A POSTROUTING -j felix-POSTROUTING",
    "ip6tables-nft -N cali-OUTPUT; ip6tables-nft -A OUTPUT -j cali-OUTPUT",
)
_OF_KUBE_PROXY = (
    "ip link add kube-ipvs0 type bridge",
    "iptables-nft -t nat -N KUBE-SERVICES",
    "iptables-nft -t nat -A PREROUTING -m comment --comment 'kubernetes service portals' -j KUBE-SERVICES",
    "iptables-nft -N KUBE-PROXY-FIREWALL; iptables-nft -A INPUT -m conntrack --ctstate NEW -m comment --comment "
    "'kubernetes load balancer firewall' -j KUBE-PROXY-FIREWALL",
    "iptables-nft -N KUBE-FORWARD; iptables-nft -A FORWARD -m comment --comment 'rules' -j KUBE-FORWARD",
    "ip6tables-nft -t nat -N KUBE-NODEPORTS; ip6tables-nft -t nat -N KUBE-SVC-X; ip6tables-nft -t nat -A "
    "KUBE-NODEPORTS -j KUBE-SVC-X",
)
_OF_KINDNET = (
    "ip route add 10.244.2.0/24 via 172.30.0.12",
    "ip -6 route add fd00:244:0:3::/64 via 2001:db8::13",
    "iptables-nft -t nat -N KIND-MASQ-AGENT",
    "iptables-nft -t nat -A POSTROUTING -m addrtype ! --dst-type LOCAL -m comment --comment 'kind-masq-agent: ensure' "
    "-j KIND-MASQ-AGENT",
)


@pytest.mark.parametrize(
    ("theirs", "sweep"),
    [
        (_OF_FLANNEL, flannel.sweep(_FLANNEL)),
        (_OF_CALICO, calico_sweep(_CALICO)),
        (_OF_KUBE_PROXY, KUBE_PROXY),
        (_OF_KINDNET, kindnet.sweep(_FLANNEL)),
    ],
    ids=["flannel", "calico", "kube-proxy", "kindnet"],
)
def test_all_that_it_left_goes_and_nothing_else(theirs: tuple[str, ...], sweep: Sweep, tmp_path: Path) -> None:
    before, dirty, after, said = swept(theirs, sweep, tmp_path)
    assert dirty != before
    if "tunl0" in "".join(theirs):  # the kernel's own: it stays, without an address
        assert "tunl0 10.244.1.0/32" in dirty
        assert "tunl0 10." not in after
        after = "\n".join(line for line in after.splitlines() if not line.startswith("tunl0"))
    assert sorted(after.split()) == sorted(before.split())
    assert said == ["left:", "left:"]


def test_somebody_elses_tunnel_stays_as_it_is(tmp_path: Path) -> None:
    theirs = ("ip link add tunl0 type bridge; ip address add 203.0.113.7/32 dev tunl0; ip link set tunl0 up",)
    _, dirty, after, said = swept(theirs, calico_sweep(_CALICO), tmp_path)
    assert "tunl0 203.0.113.7/32" in after
    assert dirty.strip() == after.strip()
    assert said == ["left:", "left:"]


def test_folders_in_the_conf_folder_go_too(tmp_path: Path) -> None:
    """Calico with an etcd of its own keeps its certificates there."""
    (tmp_path / "calico-tls").mkdir()
    (tmp_path / "calico-tls" / "etcd-ca").touch()
    (tmp_path / "00-multus.conf").touch()
    _, _, _, said = swept((), LEFTOVERS, tmp_path)
    assert said == ["left:", "left:"]
    assert [each.name for each in tmp_path.iterdir()] == ["00-multus.conf"]
