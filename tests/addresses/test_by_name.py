"""Servers that are named by host name alone: told in one line, as nobody here knows where they are."""

from typing import Any

import pytest

from components.checks import CATALOGUE, Finding, Severity, run_checks
from components.operations.addresses.cluster_settings import of_kube_proxy, settings
from components.operations.addresses.outside_addresses import converters, of_volume, of_webhooks
from components.operations.addresses.remote_storage import of_storage_class
from components.operations.addresses.servers import Server
from components.operations.cluster_api.api import Cluster
from components.operations.objects.model import Pod
from components.operations.snapshot import Snapshot
from stacks.addresses import ByName, Entry, Kind, host_of
from tests.builders import make_context, make_pod, make_snapshot, secondary

Object = dict[str, Any]
LOCAL = Kind.LOCAL_DNS
NFS = ("nfs.example.org", Kind.STORAGE)
HOOK = ByName(host="h.example.org", kind=Kind.WEBHOOK, user="webhook a")


def named(**fields: Any) -> Object:
    return {"metadata": {"name": "one"}, **fields}


def calls(**client: Any) -> Object:
    return named(webhooks=[{"name": "a", "clientConfig": client}])


def converts(**client: Any) -> Object:
    return named(spec={"conversion": {"strategy": "Webhook", "webhook": {"clientConfig": client}}})


class Settings(Cluster):
    """Answers with ConfigMaps of kube-system."""

    def __init__(self, **maps: dict[str, str]) -> None:
        self.maps = {name.replace("_", "-"): data for name, data in maps.items()}

    def find(self, path: str, **_query: Any) -> Object | None:
        data = self.maps.get(path.rpartition("/")[2])
        return None if data is None else {"data": data}


def kubeadm(text: str) -> list[Server]:
    return settings(Settings(kubeadm_config={"ClusterConfiguration": text}))


def corefile(line: str) -> list[Server]:
    return settings(Settings(coredns={"Corefile": f".:53 {{\n    errors\n    {line}\n    cache 30\n}}\n"}))


def said(found: list[Server]) -> list[tuple[str, Kind]]:
    return [(each.host if isinstance(each, ByName) else str(each.network), each.kind) for each in found]


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://hooks.example.org/validate", "hooks.example.org"),
        ("https://user@hooks.example.org:8443", "hooks.example.org"),
        ("nfs-1.example.org", "nfs-1.example.org"),
        ("nfs-1:/exports/a", "nfs-1"),
        ("//smb.example.org/share", "smb.example.org"),
        ("portal.example.org:3260", "portal.example.org"),
        ("LB.Example.org.", "LB.Example.org"),
        ("https://hook.cert-manager.svc:443/x", ""),
        ("https://hook.cert-manager.svc.cluster.local/x", ""),
        ("localhost:2379", ""),
        ("10.0.0.1:6443", ""),
        ("[fd00::1]:6443", ""),
        ("/exports/a", ""),
        ("", ""),
    ],
)
def test_a_host_is_read_out_of_what_names_it(text: str, host: str) -> None:
    assert host_of(text) == host


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (of_webhooks(calls(url="https://hooks.example.org/x")), [("hooks.example.org", Kind.WEBHOOK)]),
        (of_webhooks(calls(url="https://10.245.3.3:8443/x")), [("10.245.3.3/32", Kind.WEBHOOK)]),
        (of_webhooks(calls(service={"namespace": "a", "name": "b"})), []),
        (list(converters(converts(url="https://hooks.example.org/x")).servers), [("hooks.example.org", Kind.WEBHOOK)]),
        (list(converters(converts(url="https://10.245.3.3/x")).servers), [("10.245.3.3/32", Kind.WEBHOOK)]),
        (list(converters(named(spec={"conversion": {"strategy": "None"}})).servers), []),
        (of_volume(named(spec={"nfs": {"server": "nfs.example.org", "path": "/a.b"}})), [NFS]),
        (of_volume(named(spec={"iscsi": {"targetPortal": "san.example.org:3260", "portals": ["10.245.0.7:3260"]}})),
         [("10.245.0.7/32", Kind.STORAGE), ("san.example.org", Kind.STORAGE)]),
        (of_volume(named(spec={"csi": {"driver": "nfs.csi.k8s.io", "volumeHandle": "nfs.example.org#data#pvc-1##",
                                       "volumeAttributes": {"server": "nfs.example.org", "share": "/a"}}})),
         [("nfs.example.org", Kind.STORAGE)]),
        (of_volume(named(spec={"csi": {"driver": "efs.csi.aws.com", "volumeHandle": "fs-0123"}})), []),
        (of_storage_class(named(parameters={"server": "nfs.example.org", "share": "/a"})), [NFS]),
        (of_storage_class(named(parameters={"source": "//10.245.0.8/data"})), [("10.245.0.8/32", Kind.STORAGE)]),
        (of_storage_class(named(parameters={"type": "gp3", "csi.storage.k8s.io/fstype": "ext4"})), []),
        (of_kube_proxy({"data": {"kubeconfig.conf": "    server: https://lb.example.org:6443\n"}}),
         [("lb.example.org", Kind.API_SERVER)]),
        (kubeadm("controlPlaneEndpoint: lb.example.org:6443\n"), [("lb.example.org", Kind.API_SERVER)]),
        (kubeadm("controlPlaneEndpoint: 10.245.0.4:6443\nnetworking: {serviceSubnet: '10.97.0.0/16,fd00:97::/112'}\n"),
         [("10.245.0.4/32", Kind.API_SERVER), ("10.97.0.0/16", Kind.SERVICE), ("fd00:97::/112", Kind.SERVICE)]),
        (kubeadm("etcd:\n  external:\n    endpoints: ['https://10.245.0.5:2379', 'https://etcd-2.example.org:2379']\n"),
         [("10.245.0.5/32", Kind.SERVER), ("etcd-2.example.org", Kind.SERVER)]),
        (kubeadm("etcd: {local: {dataDir: /var/lib/etcd}}\n"), []),
        (kubeadm("no: [yaml"), []),
        (settings(Settings(kubelet_config={"kubelet": "clusterDNS:\n- 169.254.25.10\n- fd00:10:96::a\n"})),
         [("169.254.25.10/32", LOCAL), ("fd00:10:96::a/128", Kind.SERVER)]),
        (corefile("forward . 10.245.0.2 tls://10.245.0.3 {"),
         [("10.245.0.2/32", Kind.SERVER), ("10.245.0.3/32", Kind.SERVER)]),
        (corefile("forward . /etc/resolv.conf {"), []),
        (settings(Settings(node_local_dns={"Corefile": "forward . __PILLAR__CLUSTER__DNS__ {\n"})), []),
    ],
)  # fmt: skip
def test_servers_are_read_by_address_and_by_name(found: list[Server], wanted: list[tuple[str, Kind]]) -> None:
    assert said(found) == wanted


def told(snapshot: Snapshot) -> list[Finding]:
    findings = run_checks(CATALOGUE, make_context(snapshot, phase="secondary"))
    return [each for each in findings if each.check == "addresses-known"]


def daemon(*arguments: str, **environment: str) -> Object:
    variables = [{"name": name, "value": value} for name, value in environment.items()]
    container = {"name": "main", "image": "x", "args": list(arguments), "env": variables}
    spec = {"hostNetwork": True, "containers": [container]}
    return {"metadata": {"namespace": "kube-system", "name": "net"}, "spec": {"template": {"spec": spec}}}


def with_daemon(*arguments: str, **environment: str) -> Snapshot:
    return make_snapshot(daemon_sets=(*make_snapshot().daemon_sets, daemon(*arguments, **environment)))


def storing(server: str) -> Pod:
    volumes = [{"name": "a", "nfs": {"server": server}}]
    item = {"metadata": {"namespace": "shop", "name": "store", "uid": "u"}, "spec": {"volumes": volumes}, "status": {}}
    return Pod.read(item)


@pytest.mark.parametrize(
    ("snapshot", "evidence"),
    [
        (with_daemon(ETCD_ENDPOINTS="https://etcd-1.example.org:2379,https://etcd-2.example.org:2379"),
         "2 servers of unknown address, named by host name alone: etcd-1.example.org (etcd (DaemonSet "),
        (with_daemon("--etcd-endpoints=http://etcd.example.org:2379"), "1 server of unknown address"),
        (with_daemon(FELIX_TYPHAADDR="typha.example.org:5473"), "typha.example.org (Typha"),
        (with_daemon(KUBERNETES_SERVICE_HOST="api.example.org"), "api.example.org (the API server"),
        (make_snapshot(pods=(storing("nfs.example.org"),)), "nfs.example.org (a volume of pod shop/store)"),
        (make_snapshot(named_hosts=(HOOK,)), "h.example.org (webhook a)"),
    ],
)  # fmt: skip
def test_all_names_are_told_in_one_note(snapshot: Snapshot, evidence: str) -> None:
    (found,) = told(snapshot)
    assert found.severity is Severity.NOTE
    assert evidence in found.evidence


@pytest.mark.parametrize(
    "snapshot",
    [
        make_snapshot(),
        make_snapshot(pods=(make_pod("web"), storing("10.9.9.9"))),
        with_daemon("--kube-subnet-mgr", "--ip-masq", KUBERNETES_SERVICE_HOST="10.9.9.9", NODENAME="a.example.org"),
        with_daemon(ETCD_ENDPOINTS="", FELIX_TYPHAK8SSERVICENAME="calico-typha", CLUSTER_TYPE="k8s,bgp"),
        secondary(named_hosts=(HOOK,)),
        with_daemon(KUBERNETES_SERVICE_HOST="worker-1"),
    ],
)  # fmt: skip
def test_an_ordinary_cluster_is_told_nothing(snapshot: Snapshot) -> None:
    assert told(snapshot) == []


def test_kinds_that_may_not_be_listed_are_told() -> None:
    (found,) = told(make_snapshot(unread_pools=("ippools.whereabouts.cni.cncf.io",)))
    assert (
        "1 kind named like addresses whose objects could not be listed: ippools.whereabouts.cni.cncf.io"
        in found.evidence
    )


def test_servers_of_daemons_by_address_are_not_chosen() -> None:
    for snapshot in (
        with_daemon(ETCD_ENDPOINTS="https://10.245.0.5:2379"), with_daemon("--peer-router-ips=10.245.0.1"),
        with_daemon("--service-external-ip-range", "10.245.4.0/24"), with_daemon(KUBERNETES_SERVICE_HOST="10.245.0.4"),
        make_snapshot(config_maps=(*make_snapshot().config_maps, {
            "metadata": {"namespace": "rook", "name": "ceph-csi-config"},
            "data": {"config.json": '[{"clusterID": "rook", "monitors": ["10.245.8.1:6789", "10.245.8.2:6789"]}]'},
        })),
    ):  # fmt: skip
        assert make_context(snapshot).cilium.pod_cidr == "10.246.0.0/16"
        assert [each for each in make_context(snapshot).addresses.entries if isinstance(each, Entry)]
