"""Engines that enforce network policies today: the CNI itself, or a separate program beside it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.operations.objects.policy_watchers import account_of
from components.operations.snapshot import Snapshot
from components.sources.description import SourceDescription
from components.sources.facts.workload import may_run_on_linux, place, title, words

Object = Mapping[str, Any]
_CALICO, _CILIUM = "calico", "cilium"
_K3S_ARGUMENTS = "k3s.io/node-args"
_K3S_OFF = re.compile(r"--disable-network-policy(=true)?")
_OF_EKS = "eks.amazonaws.com/compute-type"  # its agents are no pods
_NO = ("false", "0", "no", "off", "disabled")


@dataclass(frozen=True, kw_only=True)
class PolicyEngine:
    """One engine by its common name; `reads_calico` is True if it enforces Calico's own kinds too."""

    title: str
    reads_calico: bool = False


@dataclass(frozen=True, kw_only=True)
class _Program:
    """A program, recognised by image, name or command; `switch` is its flag, `unless_said` the flag's default."""

    called: re.Pattern[str]
    switch: str = ""
    unless_said: bool = True


_PROGRAMS = (
    _Program(called=re.compile(r"aws-network-policy-agent|aws-eks-nodeagent"), switch="enable-network-policy",
             unless_said=False),
    _Program(called=re.compile(r"kube-router"), switch="run-firewall"),
    _Program(called=re.compile(r"calico(?![-/](api|cni|csi|kube|typha|node-driver))")),
    _Program(called=re.compile(r"azure-npm|weave|antrea|ovnkube|kube-ovn|romana")),
    _Program(called=re.compile(r"(?<!multi-)net(work)?-?pol(icy|icies)?\b|\bnpc\b"), switch="enable-network-policy"),
)  # fmt: skip
# The flag that has a program of any name enforce policies.
_SWITCH = re.compile(r"--?(?:enable-|run-|with-)?(?:k8s-)?net(?:work)?-?pol(?:icy|icies)?(?:=(.*))?$")


def engines(snapshot: Snapshot, source: SourceDescription) -> tuple[PolicyEngine, ...]:
    """All engines that are seen on the cluster, the CNI's own first."""
    found = []
    if source.policy_engine:
        found.append(PolicyEngine(title=source.policy_engine, reads_calico=_CALICO in source.policy_engine.lower()))
    if snapshot.is_k3s and _in_k3s(snapshot, unsaid=not found):
        found.append(PolicyEngine(title="k3s"))
    if any(node.labels.get(_OF_EKS) == "auto" for node in snapshot.nodes):
        found.append(PolicyEngine(title="EKS Auto Mode, which may enforce NetworkPolicies on its nodes,"))
    known = {*source.daemon_sets} if source.policy_engine else set()
    for item in snapshot.daemon_sets:
        if place(item) in known or _runs_nowhere(item) or not may_run_on_linux(item):
            continue
        judged = [_judged(each) for each in _running(item)]
        calico = any(each.enforces and each.calico for each in judged)
        if any(each.enforces for each in judged):
            if not (calico and any(each.reads_calico for each in found)):
                found.append(PolicyEngine(title=title(item), reads_calico=calico))
        elif not any(each.known for each in judged) and account_of(item) in snapshot.policy_watchers:
            found.append(PolicyEngine(title=f"{title(item)}, which may watch NetworkPolicies,"))
    return tuple(found)


def _runs_nowhere(item: Object) -> bool:
    """True if the DaemonSet's controller counted its nodes and found none."""
    status = item.get("status") or {}
    return bool(status.get("observedGeneration")) and not status.get("desiredNumberScheduled")


def _running(item: Object) -> Iterator[Object]:
    """The containers that keep running, sidecars included."""
    spec = item["spec"]["template"]["spec"]
    yield from spec.get("containers") or []
    yield from (each for each in spec.get("initContainers") or [] if each.get("restartPolicy") == "Always")


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """The judgement of a container: known, enforcing policies, Calico's."""

    known: bool = False
    enforces: bool = False
    calico: bool = False


def _judged(container: Object) -> _Judged:
    said = [_last_part(word) for word in words(container) if not word.startswith("-")]
    if any(_CILIUM in word for word in said):
        return _Judged(known=True)  # ours, or a foreign one, which has a check of its own
    for program in _PROGRAMS:
        if any(program.called.search(word) for word in said):
            on = _switched(container, re.compile(rf"--?{program.switch}(?:=(.*))?$")) if program.switch else None
            enforces = program.unless_said if on is None else on
            return _Judged(known=True, enforces=enforces, calico=_CALICO in program.called.pattern)
    on = _switched(container, _SWITCH)
    return _Judged(known=on is not None, enforces=bool(on))


def _last_part(word: str) -> str:
    """An image without its registry, a command without its folder; two parts are kept, as in `calico/node`."""
    return "/".join(word.split("/")[-2:])


def _switched(container: Object, flag: re.Pattern[str]) -> bool | None:
    """The value of a flag; None if it is absent."""
    given = " ".join([*(container.get("command") or []), *(container.get("args") or [])])
    for word in given.split():  # a shell command has them all in one text
        if found := flag.fullmatch(word):
            return (found[1] or "true").strip("'\"").lower() not in _NO
    return None


def _in_k3s(snapshot: Snapshot, *, unsaid: bool) -> bool:
    """True if k3s' own engine runs, from its servers' arguments; `unsaid` is the result if no node records these."""
    said = [node.annotations[_K3S_ARGUMENTS] for node in snapshot.nodes if _K3S_ARGUMENTS in node.annotations]
    servers = [each for each in said if "server" in _list(each)[:1]]
    if not servers:
        return unsaid
    return not all(any(_K3S_OFF.fullmatch(word) for word in _list(each)) for each in servers)


def _list(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return [str(each) for each in found] if isinstance(found, list) else []
