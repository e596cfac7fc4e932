"""Removal of the old CNI, and all that stays, on an API in memory and on a folder that stands for a node."""

import subprocess
from pathlib import Path

import pytest

from components.names import NAMESPACE, NODES_NAMESPACE
from components.operations.cluster_api.errors import CommandResult
from components.operations.deadline import OperationError
from components.operations.removal.kube_proxy import runs_kube_proxy, sweep_kube_proxy
from components.operations.removal.removals import remove
from components.operations.removal.source_objects import Belongings, Removed, remove_objects
from components.operations.removal.source_removal import remove_source
from components.operations.removal.sweep import KUBE_PROXY, Sweep, sweep_node
from components.operations.removal.sweep_script import SCRIPT
from components.operations.turn_steps.agent import Agent
from components.pods import OurPods
from stacks.notation.objects import object_name
from tests.turns.api import Client, Object, Objects

RBAC = "/apis/rbac.authorization.k8s.io/v1"
KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
AGENT = Agent(
    namespace="kube-system", name="cilium-1", uid="1", node="worker-1", ready=True, run="1", created="", why_not=""
)
SWEEP = Sweep(conf=("flannel",), tables=("flannel-",), annotations=("flannel.alpha.coreos.com/",))


@pytest.mark.parametrize(
    ("title", "whose"),
    [
        ("DaemonSet kube-system/cilium-envoy", "Cilium's"),
        ("Namespace kube-system", "Kubernetes' own"),
        (f"Namespace {NAMESPACE}", "this program's own"),
        (f"ConfigMap {NAMESPACE}/record", "this program's own"),
        (f"Namespace {NODES_NAMESPACE}", "this program's own"),
        (f"Secret {NODES_NAMESPACE}/team", "this program's own"),
    ],
)
def test_one_that_must_stay_keeps_all_from_being_removed(title: str, whose: str) -> None:
    objects, names = Objects(), [object_name("ConfigMap shop/old"), object_name(title)]
    for name in names:
        objects.put(name.path, {"metadata": {"name": name.name, "namespace": name.namespace}})
    cluster = Client(objects)
    with pytest.raises(OperationError, match=f"{title} is {whose} and stays: take it out of cleanup.remove"):
        remove(cluster, names, cilium_namespace="kube-system", timeout_seconds=1)
    assert cluster.requests == []


def test_one_that_somebody_makes_again_is_told_so() -> None:
    name = object_name("ConfigMap shop/old")
    objects = Objects()
    item = {"metadata": {"name": name.name, "namespace": name.namespace}}
    objects.put(name.path, item)

    def make_again() -> None:
        objects.by_path.setdefault(name.path, item)

    objects.react = make_again
    with pytest.raises(OperationError, match=r"ConfigMap shop/old: removed: .* somebody has made it again"):
        remove(Client(objects), [name], cilium_namespace="kube-system", timeout_seconds=0.1)


def test_rights_and_work_of_others_stay() -> None:
    objects = Objects()

    def subject(name: str) -> Object:
        return {"kind": "ServiceAccount", "namespace": "kube-flannel", "name": name}

    for name, accounts in (("own", ["flannel"]), ("both", ["flannel", "store"])):
        objects.add(f"{RBAC}/clusterroles", {"metadata": {"name": name}})
        subjects = [subject(each) for each in accounts]
        binding = {"metadata": {"name": name}, "roleRef": {"name": name}, "subjects": subjects}
        objects.add(f"{RBAC}/clusterrolebindings", binding)
    for plural in ("ippools", "networkpolicies", "networksets"):
        spec = {"group": "example.com", "names": {"plural": plural}, "versions": [{"name": "v1", "served": True}]}
        objects.add(KINDS, {"metadata": {"name": f"{plural}.example.com"}, "spec": spec})
    objects.add("/apis/example.com/v1/namespaces/shop/networkpolicies", {"metadata": {"name": "deny"}})
    found = remove_objects(
        Client(objects),
        Belongings(
            namespace="kube-flannel",
            accounts=("flannel",),
            groups=("example.com",),
            written_by_users=("networkpolicies", "networksets"),
        ),
    )
    assert set(found.removed) == {
        "ClusterRoleBinding own", "ClusterRole own", "CustomResourceDefinition ippools.example.com",
        "CustomResourceDefinition networksets.example.com",
    }  # fmt: skip
    (kept,) = found.kept
    assert kept.startswith("CustomResourceDefinition networkpolicies.example.com, as 1 objects of it are somebody's")


def test_nodes_are_swept_once_the_daemons_are_gone() -> None:
    objects = Objects()
    owner = {"kind": "DaemonSet", "name": "kube-flannel-ds"}
    pod = {"metadata": {"name": "kube-flannel-ds-1", "ownerReferences": [owner]}}
    objects.add("/api/v1/namespaces/kube-flannel/pods", pod)
    with pytest.raises(OperationError, match="its pods gone: not within 0 s: 1 left: kube-flannel-ds-1"):
        remove_source(
            Client(objects), title="Flannel", daemon_sets=[("kube-flannel", "kube-flannel-ds")], objects=Removed,
            sweep=SWEEP, cilium_namespace="kube-system", pods=OurPods(image="python"), timeout_seconds=0.1,
        )  # fmt: skip


def _swept(output: str, code: int = 0, *, tables: tuple[str, ...] = ()) -> tuple[str | None, Object]:
    """The message on a node whose agent's shell printed this, and the annotations that the node has then.

    `tables` are those of nftables that a script on the node cannot remove.
    """
    objects = Objects()
    annotations = {"flannel.alpha.coreos.com/public-ip": "192.0.2.1", "example.com/rack": "7"}
    objects.add("/api/v1/nodes", {"metadata": {"name": "worker-1", "annotations": annotations}})
    cluster = Client(objects, run=lambda _pod, _command: CommandResult(exit_code=code, output=output))
    asked: list[tuple[str, str, list[str]]] = []

    def on_node(node: str, script: str, *, arguments: list[str]) -> dict[str, list[str]]:
        asked.append((node, script, arguments))
        return {"removed": [], "left": list(tables)}

    said = sweep_node(cluster, AGENT, SWEEP, on_node=on_node)
    assert asked == [("worker-1", "sweep_tables", ["flannel-"])]
    return said, objects.by_path["/api/v1/nodes/worker-1"]["metadata"]["annotations"]


def test_what_the_old_cni_wrote_on_a_node_goes_and_nothing_else() -> None:
    assert _swept("left:\n") == (None, {"example.com/rack": "7"})


def test_what_could_not_be_removed_is_told() -> None:
    said, _ = _swept("left: link:flannel.1\n")
    assert said == "node worker-1: could not remove link:flannel.1; remove it by hand and run `pulumi up` again"


def test_a_table_that_could_not_be_removed_is_told() -> None:
    said, annotations = _swept("left: set:cali40s\n", tables=("ip flannel-ipv4 (Operation not permitted)",))
    assert said is not None
    assert "could not remove set:cali40s, nftables' table ip flannel-ipv4 (Operation not permitted); " in said
    assert len(annotations) == 2


def test_a_shell_that_fails_is_told() -> None:
    with pytest.raises(OperationError, match=r"worker-1: `sh -c .* in its Cilium agent ended with 127: no such shell"):
        _swept("no such shell", 127)


def test_the_sweep_itself_on_a_folder_that_stands_for_a_node(tmp_path: Path) -> None:
    """`ip` is played, and fails for one interface; there are no packet filters."""
    links, conf, tools = (tmp_path / name for name in ("net", "conf", "tools"))
    for folder in (links, conf, tools):
        folder.mkdir()
    for link in ("eth0", "cni0", "flannel.1"):
        (links / link).touch()
    for name in ("05-cilium.conflist", "10-flannel.conflist", "10-flannel.conflist.cilium_bak"):
        (conf / name).touch()
    for tool in ("ls", "tr", "grep", "rm"):
        (tools / tool).symlink_to(
            next(each for each in (Path("/usr/bin") / tool, Path("/bin") / tool) if each.exists())
        )
    ip = tools / "ip"
    ip.write_text(f'#!/bin/sh\n[ "$3" = flannel.1 ] || rm {links}/"$3"\n')
    ip.chmod(0o755)
    script = SCRIPT.replace("/sys/class/net", str(links))
    sweep = Sweep(links=("cni0", "flannel.*"), conf=("flannel",))
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sweep", *sweep.arguments[:-1], str(conf)],
        env={"PATH": str(tools)}, capture_output=True, text=True, check=True, timeout=20,
    )  # fmt: skip
    assert sorted(each.name for each in conf.iterdir()) == ["05-cilium.conflist"]
    assert sorted(each.name for each in links.iterdir()) == ["eth0", "flannel.1"]
    assert done.stdout.splitlines()[-1] == "left: link:flannel.1"


_RULES = """\
-P INPUT ACCEPT
-N KUBE-FIREWALL
-N KUBE-KUBELET-CANARY
-N KUBE-SERVICES
-N KUBE-SVC-4N57TFCL4MD7ZTDA
-A INPUT -j KUBE-FIREWALL
-A INPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-SERVICES -d 192.0.2.1/32 -j KUBE-SVC-4N57TFCL4MD7ZTDA
"""


def test_the_sweep_looks_again_at_everything_that_it_sweeps(tmp_path: Path) -> None:
    """Tools that say what there is and remove nothing: each place is told as left, and the kubelet's chains are not."""
    net, tools, said = (tmp_path / name for name in ("net", "tools", "said"))
    net.mkdir()
    tools.mkdir()
    (net / "kube-ipvs0").touch()
    for tool in ("ls", "tr", "grep", "rm", "cut", "sed", "xargs", "cat"):
        (tools / tool).symlink_to(
            next(each for each in (Path("/usr/bin") / tool, Path("/bin") / tool) if each.exists())
        )
    played = {
        "iptables-nft": f'echo "$@" >> {said}; case "$*" in *"-t nat -S") cat {tmp_path}/rules;; esac',
        "iptables-legacy": "true",
        "ipset": "[ $1 = destroy ] || printf 'KUBE-CLUSTER-IP\\nmine\\n'",
        "ip": '[ "$*" = "-4 route show table all proto 80" ] && echo blackhole 192.0.2.0/26 proto 80',
    }
    (tmp_path / "rules").write_text(_RULES)
    for name, text in played.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    script = SCRIPT.replace("/sys/class/net", str(net))
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sweep", *KUBE_PROXY.with_(Sweep(protocols=("80",))).arguments[:-1], str(tmp_path)],
        env={"PATH": str(tools)}, capture_output=True, text=True, check=True, timeout=20,
    )  # fmt: skip
    last = done.stdout.splitlines()[-1]
    assert last == "left: link:kube-ipvs0 chains:iptables-nft-nat set:KUBE-CLUSTER-IP routes:-4"
    changes = [line for line in said.read_text().splitlines() if not line.endswith("-S")]
    assert changes == [
        '-w 5 -t nat -D INPUT -m comment --comment kubernetes service portals -j KUBE-SERVICES',
        *(f"-w 5 -t nat {flag} {chain}" for flag in ("-F", "-X") for chain in
          ("KUBE-SERVICES", "KUBE-SVC-4N57TFCL4MD7ZTDA")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("title", "image", "its"),
    [
        ("DaemonSet kube-system/kube-proxy", "example.com/kube-proxy:v1.34.1", True),
        ("DaemonSet kube-system/kube-proxy-worker", "example.com/eks/kube-proxy:v1.33.0-minimal", True),
        ("DaemonSet shop/web", "nginx", False),
        ("DaemonSet kube-system/gone", "", False),
        ("ConfigMap kube-system/kube-proxy", "", False),
    ],
)
def test_kube_proxy_is_known_by_its_program(title: str, image: str, its: bool) -> None:
    objects, name = Objects(), object_name(title)
    if image:
        spec = {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}
        objects.put(name.path, {"metadata": {"name": name.name, "namespace": name.namespace}, "spec": spec})
    assert runs_kube_proxy(Client(objects), name) is its


@pytest.mark.parametrize(("image", "swept"), [("example.com/kube-proxy:v1.34.1", False), ("nginx", True)])
def test_what_another_kube_proxy_works_with_is_not_swept(image: str, swept: bool) -> None:
    objects = Objects()
    other = {"metadata": {"name": "other", "namespace": "shop"}, "spec": {"containers": [{"image": image}]}}
    objects.add("/api/v1/namespaces/shop/pods", other)
    cluster, looked_for = Client(objects), list[str]()
    as_it_is = cluster.list

    def listed(path: str, **options: str) -> list[Object]:
        looked_for.append(path)
        return as_it_is(path, **options)

    cluster.list = listed  # type: ignore[method-assign]
    names = [object_name("DaemonSet kube-system/kube-proxy")]
    sweep_kube_proxy(
        cluster, names, cilium_namespace="kube-system", pods=OurPods(image="python"), timeout_seconds=1
    )  # fmt: skip
    assert ("/api/v1/nodes" in looked_for) is swept
