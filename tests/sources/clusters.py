"""Source clusters as people have them: how each came to be, and what it is."""

from tests.sources.making_clusters import (
    ARCHITECTURES,
    AUTO,
    GENERIC,
    VXLAN,
    SourceCluster,
    by_architecture,
    daemon_set,
    installed,
    kindnet,
    marked,
    net_conf,
    renamed,
)
from tests.sources.upstream import (
    calico,
    calico_object,
    changed,
    environment,
    flannel,
    operator,
    pool,
)

V6 = "fd00:244::/56"
CLUSTERS = (
    SourceCluster(
        name="flannel", objects=flannel,
        told={"kind": "flannel", "encapsulation": "vxlan", "udp_port": 8472, "vni": 1, "interface": "flannel.1",
              "pod_networks": ("10.244.0.0/16",), "policy_engine": "", "version": "0.28.4"},
    ),
    SourceCluster(
        name="flannel-on-the-port-of-others", objects=net_conf({"Type": "vxlan", "Port": 8473, "VNI": 4096}),
        told={"udp_port": 8473, "vni": 4096, "links": ("flannel.4096", "cni0")},
    ),
    SourceCluster(
        name="flannel-host-gw", objects=net_conf({"Type": "host-gw"}),
        told={"encapsulation": "host-gw", "udp_port": None, "links": ("cni0",)},
    ),
    SourceCluster(
        name="flannel-wireguard", objects=net_conf({"Type": "wireguard", "ListenPort": 51871, "MTU": 1420}),
        told={"encapsulation": "wireguard", "udp_port": 51871, "interface": "flannel-wg", "mtu": 1420},
    ),
    SourceCluster(
        name="flannel-udp", objects=net_conf({"Type": "udp"}), told={"encapsulation": "udp", "udp_port": 8285},
    ),
    SourceCluster(
        name="flannel-dual-stack", objects=net_conf({"Type": "vxlan"}, EnableIPv6=True, IPv6Network=V6),
        told={"pod_networks": ("10.244.0.0/16", V6), "dual_stack": True,
              "links": ("flannel.1", "flannel-v6.1", "cni0")},
    ),
    SourceCluster(
        name="flannel-by-architecture", objects=by_architecture,
        told={"kind": "flannel", "more_daemon_sets": tuple(f"kube-flannel-ds-{each}" for each in ARCHITECTURES[1:])},
    ),
    SourceCluster(
        name="flannel-of-argo", findings=frozenset({"source-owner"}),
        objects=lambda: marked(flannel(), annotations={"argocd.argoproj.io/tracking-id": "net:apps/DaemonSet:x"}),
        told={"kind": "flannel"},
    ),
    SourceCluster(
        name="flannel-broken", refused="net-conf.json cannot be read",
        objects=lambda: changed(flannel(), "ConfigMap", lambda item: item["data"].update({"net-conf.json": "{"})),
    ),
    SourceCluster(
        name="flannel-in-etcd", refused="is it kept in etcd?",
        objects=lambda: [each for each in flannel() if each["kind"] != "ConfigMap"],
    ),
    SourceCluster(
        name="canal", objects=lambda: calico("canal"),
        told={"kind": "canal", "encapsulation": "vxlan", "udp_port": 8472, "pod_networks": ("10.244.0.0/16",),
              "policy_engine": "Calico", "autodetection": "", "version": "3.28.5", "interface": "flannel.1"},
    ),
    SourceCluster(
        name="canal-of-rke2", findings=frozenset({"source-owner"}),
        objects=lambda: marked(
            renamed(
                calico("canal"),
                {"calico-node": "rancher/hardened-calico:v3.30.2-build20250711",
                 "kube-flannel": "rancher/hardened-flannel:v0.27.1-build20250710"},
                "rke2-canal",
            ),
            annotations={"objectset.rio.cattle.io/owner-name": "rke2-canal"},
        ),
        told={"kind": "canal", "daemon_set": "rke2-canal", "version": "3.30.2"},
    ),
    SourceCluster(
        name="calico-vxlan", objects=lambda: [*calico("calico-vxlan"), VXLAN], findings=AUTO,
        told={"kind": "calico", "encapsulation": "vxlan", "udp_port": 4789, "vni": 4096, "interface": "vxlan.calico",
              "autodetection": "first-found", "policy_engine": "Calico", "pod_networks": ("10.244.0.0/16",),
              "version": "3.28.5", "dataplane": "iptables", "namespace": "kube-system"},
    ),
    SourceCluster(
        name="calico-ipip", objects=lambda: [*calico("calico"), pool(ipipMode="Always")], findings=AUTO,
        told={"kind": "calico", "encapsulation": "ipip", "udp_port": None, "interface": "tunl0"},
    ),
    SourceCluster(
        name="calico-typha-cross-subnet", objects=lambda: [*calico("calico-typha"), pool(ipipMode="CrossSubnet")],
        findings=AUTO, told={"encapsulation": "ipip-cross-subnet"},
    ),
    SourceCluster(
        name="calico-felix-settings", findings=AUTO,
        objects=lambda: [
            *calico("calico-vxlan"), VXLAN,
            calico_object("FelixConfiguration", "default", vxlanPort=8473, vxlanVNI=17, vxlanMTU=8930),
        ],
        told={"udp_port": 8473, "vni": 17, "mtu": None},  # the manifest has FELIX_VXLANMTU=0, which comes first
    ),
    SourceCluster(
        name="calico-felix-by-environment", findings=AUTO,
        objects=lambda: changed(
            [*calico("calico-vxlan"), VXLAN, calico_object("FelixConfiguration", "default", vxlanPort=8473)],
            "DaemonSet", environment(FELIX_VXLANPORT="4790", FELIX_VXLANMTU="1400"),
        ),
        told={"udp_port": 4790, "mtu": 1400},
    ),
    SourceCluster(
        name="calico-bgp", findings=AUTO | {"bgp"},
        objects=lambda: [
            *calico("calico"), pool(),
            calico_object("BGPPeer", "rack-1", peerIP="192.0.2.1", asNumber=64512),
            calico_object("BGPConfiguration", "default", serviceLoadBalancerIPs=[{"cidr": "198.51.100.0/24"}]),
        ],
        told={"encapsulation": "routes", "udp_port": None, "bgp_peers": ("rack-1 (192.0.2.1)",)},
    ),
    SourceCluster(
        name="calico-dual-stack", findings=AUTO, blockers=AUTO,  # the nodes have no InternalIP of IPv6
        objects=lambda: changed(
            [*calico("calico-vxlan"), pool(V6, "default-ipv6-ippool", vxlanMode="Always"), VXLAN],
            "DaemonSet", environment(IP6="autodetect", FELIX_IPV6SUPPORT="true"),
        ),
        told={"pod_networks": ("10.244.0.0/16", V6), "dual_stack": True, "autodetection_v6": "first-found"},
    ),
    SourceCluster(
        name="calico-several-pools", findings=AUTO,
        objects=lambda: [
            *calico("calico-vxlan"), VXLAN, pool("10.250.0.0/16", "second", vxlanMode="CrossSubnet"),
            pool("10.251.0.0/16", "old", disabled=True), pool("10.252.0.0/24", "tunnels", allowedUses=["Tunnel"]),
        ],
        told={"pod_networks": ("10.244.0.0/16", "10.250.0.0/16")},
    ),
    SourceCluster(
        name="calico-on-one-interface",
        objects=lambda: changed(
            [*calico("calico-vxlan"), VXLAN], "DaemonSet", environment(IP_AUTODETECTION_METHOD="interface=eth.*")
        ),
        told={"autodetection": "interface=eth.*"},
    ),
    SourceCluster(
        name="calico-reaching-out",
        objects=lambda: changed(
            [*calico("calico-vxlan"), VXLAN], "DaemonSet", environment(IP_AUTODETECTION_METHOD="can-reach=192.0.2.9")
        ),
        told={"autodetection": "can-reach=192.0.2.9"},
    ),
    SourceCluster(
        name="calico-reaching-its-own-node",  # as kubespray has it
        objects=lambda: changed(
            [*calico("calico-vxlan"), VXLAN], "DaemonSet",
            environment(
                NODEIP={"fieldRef": {"fieldPath": "status.hostIP"}}, IP_AUTODETECTION_METHOD="can-reach=$(NODEIP)"
            ),
        ),
        told={"autodetection": "can-reach=$(status.hostIP)"},
    ),
    SourceCluster(
        name="calico-before-3.22", findings=AUTO, blockers=AUTO,
        objects=lambda: changed(
            [*calico("calico-vxlan"), VXLAN], "DaemonSet",
            lambda item: item["spec"]["template"]["spec"]["containers"][0].update(image="calico/node:v3.19.1"),
        ),
        told={"version": "3.19.1", "autodetection": "first-found"},
    ),
    SourceCluster(
        name="calico-of-flux", findings=AUTO | {"source-owner"}, blockers=AUTO,
        objects=lambda: marked(
            [*calico("calico-vxlan"), VXLAN], labels={"kustomize.toolkit.fluxcd.io/name": "network"}
        ),
        told={"kind": "calico"},
    ),
    SourceCluster(
        name="calico-ebpf", findings=AUTO | {"source-data-plane"}, blockers=frozenset({"source-data-plane"}),
        objects=lambda: [*calico("calico-bpf"), pool()], told={"dataplane": "ebpf"},
    ),
    SourceCluster(
        name="calico-not-started", refused="no IPPool was found in the cluster", objects=lambda: calico("calico-vxlan"),
    ),
    SourceCluster(
        name="calico-in-etcd", findings=AUTO, blockers=AUTO,
        objects=lambda: changed(
            calico("calico-etcd"), "DaemonSet", environment(CALICO_IPV4POOL_CIDR="10.48.0.0/16")
        ),
        told={"pod_networks": ("10.48.0.0/16",), "encapsulation": "ipip"},
    ),
    SourceCluster(
        name="calico-in-etcd-unsaid", refused="no IPPool was found in etcd", objects=lambda: calico("calico-etcd"),
    ),
    SourceCluster(
        name="calico-for-policies-alone", refused="for policies alone", objects=lambda: calico("calico-policy-only"),
    ),
    SourceCluster(
        name="operator", objects=lambda: operator(pool("192.168.0.0/16", vxlanMode="CrossSubnet")), findings=AUTO,
        told={"kind": "calico-operator", "namespace": "calico-system", "encapsulation": "vxlan-cross-subnet",
              "udp_port": 4789, "pod_networks": ("192.168.0.0/16",), "autodetection": "first-found"},
    ),
    SourceCluster(
        name="operator-before-its-pools", objects=operator, findings=AUTO,
        told={"pod_networks": ("192.168.0.0/16",), "encapsulation": "vxlan-cross-subnet"},
    ),
    SourceCluster(
        name="operator-with-settings",
        objects=lambda: operator(
            pool("192.168.0.0/16", ipipMode="Always"), mtu=8900, nodeAddressAutodetectionV4={"canReach": "192.0.2.9"}
        ),
        told={"encapsulation": "ipip", "mtu": 8900, "autodetection": "can-reach=192.0.2.9"},
    ),
    SourceCluster(
        name="operator-prepared",
        objects=lambda: operator(nodeAddressAutodetectionV4={"kubernetes": "NodeInternalIP"}),
        told={"autodetection": "kubernetes-internal-ip"},
    ),
    SourceCluster(
        name="operator-ebpf", findings=AUTO | {"source-data-plane"}, blockers=frozenset({"source-data-plane"}),
        objects=lambda: operator(linuxDataplane="BPF"), told={"dataplane": "ebpf"},
    ),
    SourceCluster(
        name="operator-on-aws", refused="cni.type is AmazonVPC", objects=lambda: installed("AmazonVPC"),
    ),
    SourceCluster(
        name="operator-not-at-work", refused="no DaemonSet calico-system/calico-node",
        objects=lambda: [each for each in operator() if each["kind"] != "DaemonSet"],
    ),
    SourceCluster(
        name="operator-without-installation", refused="there is no Installation 'default'",
        objects=lambda: [each for each in operator() if each["kind"] not in ("Installation", "APIServer")],
    ),
    SourceCluster(
        name="kindnet", objects=lambda: kindnet("10.244.0.0/16"),
        told={"kind": "kindnet", "encapsulation": "routes", "pod_networks": ("10.244.0.0/16",), "udp_port": None},
    ),
    SourceCluster(
        name="kindnet-dual-stack", objects=lambda: kindnet(f"10.244.0.0/16,{V6}"),
        told={"pod_networks": ("10.244.0.0/16", V6), "dual_stack": True},
    ),
    SourceCluster(
        name="aws-described", settings={"source": GENERIC},
        objects=lambda: [daemon_set("aws-node", "example/amazon-k8s-cni:v1.20.4")],
        told={"kind": "generic", "title": "AWS VPC CNI", "pod_networks": ("10.0.0.0/16",), "mtu": 9001},
    ),
    SourceCluster(
        name="aws-described-elsewhere", settings={"source": GENERIC}, objects=list,
        refused="source.daemonSet kube-system/aws-node is not in the cluster",
    ),
    SourceCluster(
        name="aws", objects=lambda: [daemon_set("aws-node", "example/amazon-k8s-cni:v1.20.4")],
        refused="AWS VPC CNI (DaemonSet kube-system/aws-node): describe its network",
    ),
    SourceCluster(
        name="antrea", objects=lambda: [daemon_set("antrea-agent", "antrea/antrea-agent-ubuntu:v2.4.1")],
        refused="Antrea (DaemonSet kube-system/antrea-agent): its Open vSwitch",
    ),
    SourceCluster(
        name="two", objects=lambda: [*flannel(), *calico("calico-vxlan"), VXLAN],
        refused="the cluster runs 2 CNIs: Flannel (DaemonSet kube-flannel/kube-flannel-ds); Calico (DaemonSet",
    ),
    SourceCluster(
        name="two-one-of-them-meant", objects=lambda: [*flannel(), *calico("calico-vxlan"), VXLAN],
        settings={"source": {"kind": "calico"}}, told={"kind": "calico"}, findings=AUTO,
        not_understood=frozenset({"host-network-placed", "chained-plugins"}),
    ),
    SourceCluster(name="none", objects=list, refused="no CNI that can be migrated from was found"),
)  # fmt: skip
