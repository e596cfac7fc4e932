"""Compares two migrations on the real lab: by this program, and by the official guide's commands, under equal traffic.

The guide is Cilium's own, "Migrating a cluster to Cilium": cordon, drain, label, agent restart, reboot, validate,
uncordon. Where it leaves details open, this follows a careful operator: it waits for each condition, and validates a
node again after a failure before it uncordons it.
"""

import ipaddress
import json
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from pydantic import BaseModel
from rich.table import Table

from components import timings
from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.objects.model import Node
from components.operations.probes.traffic import restart_of
from components.operations.turn.turn_record import record_of_turn
from components.plan import MigrationPlan, examine
from components.probe.budget import WORDS
from components.probe.explanations import Restart
from components.probe.measured import FlowKind, Measurement
from scripts.bench.times import cost as times
from scripts.lab.console import LabError, Step, console
from scripts.lab.images import catalogue
from scripts.lab.lab import Lab
from scripts.lab.paths import CHECKOUT, lab_folder
from scripts.lab.session import Session, build_everything
from scripts.lab.toolchain import parts
from scripts.lab.toolchain.build import build_part, cilium_chart
from scripts.lab.workloads.apply import Workloads
from scripts.report.probes import measure_now
from stacks.values import MIGRATED_LABEL, final_values, migration_values, node_config

_SETTLE_SECONDS = 20
_REBOOT_SECONDS = 120
_VALIDATION_SECONDS = 120
_LOOK = """
import os, socket, ssl, urllib.request
server = os.environ["KUBERNETES_SERVICE_HOST"]
answer = urllib.request.urlopen(f"https://{server}/healthz", context=ssl._create_unverified_context(), timeout=5).read()
print("address", socket.gethostbyname(socket.gethostname()), answer.decode())
"""
_SEEN = re.compile(r"address (\S+) ok")
_INSTALL, _FINAL = "Cilium beside the old CNI", "final settings"
_PROJECT = "cilium-live-migration"


class Half(StrEnum):
    """One of the two migrations that are compared."""

    PROGRAM = "program"
    BY_HAND = "by hand"


class Cost(BaseModel):
    """The losses of the flows of one kind in one migration; gaps in milliseconds."""

    kind: FlowKind
    sent: int
    failed: int
    longest_gap_ms: float


class Outcome(BaseModel):
    """The result of one migration: its total time, the time of each stage, and the losses; times in seconds."""

    seconds: float
    stages: dict[str, float]
    costs: list[Cost]


def _costs(measurement: Measurement) -> list[Cost]:
    found = []
    for kind in sorted({flow.kind for flow in measurement.flows}):
        flows = [flow for flow in measurement.flows if flow.kind == kind]
        found.append(
            Cost(
                kind=kind,
                sent=sum(flow.sent for flow in flows),
                failed=sum(flow.failed for flow in flows),
                longest_gap_ms=max(flow.longest_gap_ms for flow in flows),
            )
        )
    return found


def _plan(lab: Lab) -> MigrationPlan:
    raw = yaml.safe_load((CHECKOUT / "Pulumi.dev.yaml").read_text())["config"]
    own = {key.removeprefix(f"{_PROJECT}:"): value for key, value in raw.items()}
    return examine(own, kubeconfig=str(lab.kubeconfig))


def _fresh(nodes: int) -> tuple[Lab, Session]:
    """Start a new lab that runs only the sample workloads and the probe."""
    lab = Lab()
    lab.clean()
    with Step(f"a cluster of {nodes} nodes with Flannel"):
        lab.up(nodes=nodes)
    Workloads(lab.kubeconfig, kubectl=lab.kubectl_binary).up()
    session = Session.start(kubeconfig=lab.kubeconfig, stack="bench")
    session.up()
    time.sleep(_SETTLE_SECONDS)
    return lab, session


def by_program(nodes: int) -> Outcome:
    """Our program, with a reboot of each node, as the guide has it; and prints what it waited for."""
    lab, session = _fresh(nodes)
    stages: dict[str, float] = {}
    runs: list[times.Cost] = []

    def up(name: str, settings: Mapping[str, str]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            with _stage(stages, name):
                for path, value in settings.items():
                    session.set_path(path, value)
                session.environment[timings.VARIABLE] = folder
                session.up()
            runs.append(times.Cost(command=name, seconds=stages[name], roles={}, timings=timings.read(Path(folder))))

    up(_INSTALL, {"phase": "secondary"})
    session.set(restart__method="reboot")
    wave = 0
    for stage in _turns(lab):
        up(" and ".join(stage), {f"waves[{wave + number}][0]": node for number, node in enumerate(stage)})
        wave += len(stage)
    up(_FINAL, {"phase": "finalize"})
    print("\n".join(times.waits_table(runs)))
    items: list[dict[str, Any]] = json.loads(lab.kubectl("get", "nodes", "--output=json").stdout)["items"]
    found = (restart_of(node.name, record_of_turn(node)) for node in map(Node.read, items))
    restarts = [each for each in found if each]
    return _measured(lab, stages=stages, restarts=restarts)


def _turns(lab: Lab) -> list[list[str]]:
    """The nodes as the README has them moved: a canary by itself, then the others, one after the other."""
    first, *others = [node.name for node in lab.layout().nodes]
    return [[first], others] if others else [[first]]


def by_hand(nodes: int) -> Outcome:
    """Migrate with the guide's commands, one after the other."""
    lab, _ = _fresh(nodes)
    cilium = _plan(lab).cilium
    stages: dict[str, float] = {}
    with _stage(stages, _INSTALL):
        _helm(lab, "install", migration_values(cilium))
        lab.kubectl("-n", "kube-system", "rollout", "status", "daemonset/cilium", "--timeout=300s")
        config = {
            "apiVersion": cilium.node_config_version,
            "kind": "CiliumNodeConfig",
            "metadata": {"namespace": "kube-system", "name": "cilium-default"},
            "spec": node_config(migration_values(cilium)),
        }
        lab.kubectl("apply", "-f", "-", stdin=json.dumps(config))
    restarts = []
    for stage in _turns(lab):
        with _stage(stages, " and ".join(stage)):
            restarts += [_node_by_hand(lab, node, pools=cilium.pools) for node in stage]
    with _stage(stages, _FINAL):
        _helm(lab, "upgrade", final_values(cilium))
        lab.kubectl("-n", "kube-system", "rollout", "restart", "daemonset/cilium")
        lab.kubectl("-n", "kube-system", "rollout", "status", "daemonset/cilium", "--timeout=300s")
        lab.kubectl("-n", "kube-system", "delete", "ciliumnodeconfig", "cilium-default")
    return _measured(lab, stages=stages, restarts=restarts)


@contextmanager
def _stage(stages: dict[str, float], name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    stages[name] = round(time.monotonic() - began, 1)
    console.print(f"[bold]{name}: {stages[name]:.1f} s[/bold]")


def _node_by_hand(lab: Lab, node: str, *, pools: Sequence[str]) -> Restart:
    lab.kubectl("cordon", node)
    lab.kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=300s")
    lab.kubectl("label", "node", node, "--overwrite", f"{MIGRATED_LABEL}=true")
    here = ("-l", "k8s-app=cilium", "--field-selector", f"spec.nodeName={node}")
    lab.kubectl("-n", "kube-system", "delete", "pod", *here)
    lab.kubectl("-n", "kube-system", "rollout", "status", "daemonset/cilium", "--timeout=300s")
    start = datetime.now(UTC).timestamp()
    _reboot(lab, node)
    lab.kubectl("wait", f"node/{node}", "--for=condition=Ready", "--timeout=300s")
    lab.kubectl("-n", "kube-system", "rollout", "status", "daemonset/cilium", "--timeout=300s")
    lab.kubectl("-n", NAMESPACE, "rollout", "status", "daemonset/probe", "--timeout=300s")
    end = datetime.now(UTC).timestamp()
    _validate(lab, node, pools=pools)
    lab.kubectl("uncordon", node)
    return Restart(node=node, start=start, end=end)


def _validate(lab: Lab, node: str, *, pools: Sequence[str]) -> None:
    """The guide's validation of a node: a pod there has an address of Cilium's pool and reaches the API server."""
    limit = time.monotonic() + _VALIDATION_SECONDS
    overrides = {"spec": {"nodeName": node, "tolerations": [{"operator": "Exists"}]}}
    command = [
        "-n", "kube-system", "run", "verify-network", "--attach", "--rm", "--restart=Never", "--quiet",
        f"--image={catalogue.PYTHON}", "--image-pull-policy=IfNotPresent", f"--overrides={json.dumps(overrides)}",
        "--command", "--", "python3", "-c", _LOOK,
    ]  # fmt: skip
    networks = [ipaddress.ip_network(pool) for pool in pools]
    while True:
        done = lab.kubectl(*command, check=False)
        seen = _SEEN.search(done.stdout)
        if seen and any(ipaddress.ip_address(seen[1]) in network for network in networks):
            return
        if time.monotonic() > limit:
            raise LabError(f"node {node}: not on Cilium in {_VALIDATION_SECONDS} s: {done.stdout} {done.stderr}")
        time.sleep(1)


def _boot_id(lab: Lab, node: str) -> str:
    return lab.kubectl("get", "node", node, "-o", "jsonpath={.status.nodeInfo.bootID}").stdout


def _reboot(lab: Lab, node: str) -> None:
    """Reboot a node in an orderly way, as the program does."""
    before, end = _boot_id(lab, node), time.monotonic() + _REBOOT_SECONDS
    lab.exec(node, ["reboot"], check=False)
    while _boot_id(lab, node) == before:
        if time.monotonic() > end:
            raise LabError(f"{node} did not come back from its reboot in {_REBOOT_SECONDS} s")
        time.sleep(1)


def _helm(lab: Lab, verb: str, values: dict[str, Any]) -> None:
    command = [
        str(build_part(parts.HELM) / "helm"), verb, "cilium", str(cilium_chart()), "--namespace=kube-system",
        f"--kubeconfig={lab.kubeconfig}", "--values=-",
    ]  # fmt: skip
    done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"helm {verb}: {done.stderr.strip()[-500:]}")


def _measured(lab: Lab, *, stages: dict[str, float], restarts: list[Restart]) -> Outcome:
    time.sleep(_SETTLE_SECONDS)
    cluster = Cluster(kubeconfig=str(lab.kubeconfig))
    measurement = measure_now(cluster, cilium_namespace="kube-system", restarts=restarts)
    lab.down()
    return Outcome(seconds=round(sum(stages.values()), 1), stages=stages, costs=_costs(measurement))


def _table(outcomes: dict[str, Outcome]) -> Table:
    table = Table("flows", *(f"{name}: {part}" for name in outcomes for part in ("sent", "failed", "longest gap")))
    kinds = sorted({cost.kind for outcome in outcomes.values() for cost in outcome.costs})
    for kind in kinds:
        cells = []
        for outcome in outcomes.values():
            cost = next((each for each in outcome.costs if each.kind == kind), None)
            cells += [f"{cost.sent:,}", f"{cost.failed:,}", f"{cost.longest_gap_ms:,.0f} ms"] if cost else ["", "", ""]
        table.add_row(WORDS[kind], *cells)
    return table


def _stages(outcomes: dict[str, Outcome]) -> Table:
    table = Table("stage, seconds", *outcomes)
    for stage in next(iter(outcomes.values())).stages:
        table.add_row(stage, *(f"{outcome.stages[stage]:.1f}" for outcome in outcomes.values()))
    table.add_row("all", *(f"{outcome.seconds:.1f}" for outcome in outcomes.values()))
    return table


def main(
    nodes: Annotated[int, typer.Option(help="Nodes of the lab.")] = 3,
    *,
    only: Annotated[Half | None, typer.Option(help="One half alone.")] = None,
) -> None:
    """Migrate twice, print what each cost, and write `.lab/by-hand.json`."""
    build_everything()
    halves = {Half.PROGRAM: by_program, Half.BY_HAND: by_hand}
    outcomes = {half.value: halves[half](nodes) for half in ([only] if only else halves)}
    console.print(_table(outcomes))
    console.print(_stages(outcomes))
    target = lab_folder() / "by-hand.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({name: each.model_dump() for name, each in outcomes.items()}, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
