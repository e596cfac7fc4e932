"""Commands by which an error has its reader change the config, typed on a stack whose config gives that error."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.checks import Severity
from components.operations.cluster_api.kubeconfig import KubeconfigError, client_of
from components.operations.gates.web import WebError, ask, refused
from components.plan import PlanError, make_plan
from components.sources import SourceError, describe
from scripts.check.settings import PROJECT, Settings
from scripts.lab.session import Session
from scripts.lab.simulated.control_plane import ControlPlane
from stacks.config import parse_config
from stacks.sections.gates import GateSettings
from tests.builders import FLANNEL_DAEMON_SET, make_snapshot
from tests.checks.config.bad import Bad
from tests.checks.config.bad_config import WRITTEN
from tests.checks.config.bad_pods import PODS
from tests.checks.site import Site
from tests.commands.printed import commands_in, filled
from tests.operations.gates.web_server import says, serving
from tests.remedies import type_in

pytestmark = [pytest.mark.engine, pytest.mark.apiserver]


@pytest.fixture(scope="module")
def stack(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session.start(
        kubeconfig=plane.kubeconfig, stack="written", template="Pulumi.simulated.yaml",
        folder=tmp_path_factory.mktemp("written"), echo=False,
    )  # fmt: skip


def write(stack: Session, config: Mapping[str, Any]) -> None:
    stack.config.write_text(yaml.safe_dump({"config": dict(config)}))


def written(stack: Session) -> dict[str, Any]:
    return dict((yaml.safe_load(stack.config.read_text()) or {}).get("config") or {})


def lines(raw: Mapping[str, Any]) -> list[str]:
    """Faults of a config, found before any cluster is asked."""
    try:
        make_plan({key: value if isinstance(value, str) else json.dumps(value) for key, value in raw.items()},
                  kubeconfig="/nonexistent")  # fmt: skip
    except PlanError as error:
        return [each for each in str(error).splitlines() if each.startswith("config")]
    return []


def plain(text: str) -> Any:
    """A value as it stands in a stack's file."""
    try:
        return json.loads(text) if text[:1] in "[{" else text
    except ValueError:
        return text


WITH_COMMANDS = [case for case in (*WRITTEN, *PODS) if any(commands_in(line) for line in lines(case.raw))]


@pytest.mark.executes(
    "pulumi config rm --path '{}'", "pulumi config rm '{}'", "pulumi config rm {}", "pulumi config set --path '{}' {}"
)
def test_what_is_written_wrongly_is_right_afterwards(stack: Session) -> None:
    """All of the table in one test, as each command is named by it."""
    assert len(WITH_COMMANDS) >= 8
    for case in WITH_COMMANDS:
        mends(case, stack)


def mends(case: Bad, stack: Session) -> None:
    write(stack, {f"{PROJECT}:{key}": plain(value) for key, value in case.raw.items()})
    (line,) = lines(case.raw)
    for command in commands_in(line):
        type_in(filled(command, "worker-1"), stack=stack)
    left = lines(Settings.read(written(stack)).own)
    assert not [each for each in left if each.startswith(case.line)], f"{case.name}: {left}"


@pytest.mark.executes("pulumi config rm --path {}Url")
@pytest.mark.parametrize("name", ["prometheus", "goldpinger"])
def test_a_gate_that_cannot_be_asked(stack: Session, name: str) -> None:
    settings = {f"{name}Url": "http://127.0.0.1:9"}
    write(stack, {f"{PROJECT}:gates": settings})
    source = getattr(parse_config({"gates": settings}).gates, name)
    (command,) = commands_in(str(refused(source, "cannot be asked", WebError("x"))))
    type_in(command, stack=stack)
    assert parse_config(Settings.read(written(stack)).own).gates.sources == []


@pytest.mark.executes("pulumi config set --secret --path {}")
@pytest.mark.parametrize("name", ["prometheus", "goldpinger"])
def test_a_gate_that_does_not_know_who_asks(stack: Session, name: str) -> None:
    with serving(says("", status=401)) as web:
        source = getattr(GateSettings.model_validate({f"{name}Url": web.url}), name)
        write(stack, {f"{PROJECT}:gates": {f"{name}Url": web.url}})
        with pytest.raises(WebError) as caught:
            ask(source, "/")
    (command,) = commands_in(str(caught.value))
    type_in(command, stack=stack, answer="hush")
    told = json.loads(stack.pulumi("config", "--json", "--show-secrets").output)[f"{PROJECT}:gates"]["objectValue"]
    assert told[f"{name}Http"] == {"bearerToken": "hush"}
    assert "hush" not in stack.config.read_text()


KINDNET = {
    "metadata": {"namespace": "kube-system", "name": "kindnet"},
    "spec": {"template": {"spec": {"containers": [{
        "name": "kindnet-cni", "image": "docker.io/kindest/kindnetd:v1",
        "env": [{"name": "POD_SUBNET", "value": "10.244.0.0/16"}],
    }]}}},
}  # fmt: skip


@pytest.mark.executes("pulumi config set --path source.kind {}")
def test_a_cluster_of_two_networks(stack: Session) -> None:
    snapshot = make_snapshot(daemon_sets=(FLANNEL_DAEMON_SET, KINDNET), record=None)
    with pytest.raises(SourceError) as caught:
        describe(snapshot)
    commands = commands_in(str(caught.value))
    chosen = []
    for command in commands:
        write(stack, {})
        type_in(command, stack=stack)
        config = parse_config(Settings.read(written(stack)).own)
        chosen.append(describe(snapshot, config.source).kind)
    assert chosen == ["flannel", "kindnet"]


def kubeconfig_of(plane: ControlPlane, folder: Path, **changes: Any) -> Path:
    config = yaml.safe_load(plane.kubeconfig.read_text())
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump({**config, **changes}))
    return file


@pytest.mark.executes("pulumi config set kubernetes:context {}")
@pytest.mark.parametrize("names", [["kind-a"], ["kind-a", "arn:aws:eks:x:1:cluster/b"], ["with space", "it's"]])
def test_a_kubeconfig_that_leaves_it_open(
    stack: Session, plane: ControlPlane, tmp_path: Path, names: list[str]
) -> None:  # fmt: skip
    contexts = [{"name": name, "context": {"cluster": "simulated", "user": "admin"}} for name in names]
    file = kubeconfig_of(plane, tmp_path, contexts=contexts, **{"current-context": ""})
    with pytest.raises(KubeconfigError) as caught:
        client_of(str(file))
    commands = commands_in(str(caught.value))
    assert len(commands) == len(names)
    for name, command in zip(names, commands, strict=True):
        type_in(command, stack=stack)
        assert Settings.read(written(stack)).context == name
        client_of(str(file), name)


@pytest.mark.executes("pulumi config set kubernetes:kubeconfig PATH")
def test_no_kubeconfig(stack: Session, plane: ControlPlane) -> None:
    with pytest.raises(KubeconfigError) as caught:
        client_of("/nonexistent")
    (command,) = commands_in(str(caught.value))
    type_in(filled(command, str(plane.kubeconfig)), stack=stack)
    client_of(Settings.read(written(stack)).kubeconfig)


@pytest.mark.executes("kubectl get nodes")
def test_a_user_without_credentials_who_logged_in_again(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    site.nodes()
    file = kubeconfig_of(plane, tmp_path, users=[{"name": "admin", "user": {"username-of": "olga"}}])
    with pytest.raises(KubeconfigError) as caught:
        client_of(str(file))
    (command,) = commands_in(str(caught.value))
    assert "worker-1" in type_in(command, plane=plane)


@pytest.mark.executes("pulumi config set --path acknowledge.ID 'the reason'")
def test_a_finding_that_somebody_takes_upon_himself(stack: Session, site: Site) -> None:
    site.node("worker-1", conditions=())
    write(stack, {f"{PROJECT}:phase": "secondary"})
    (before,) = site.found("nodes-ready", phase="secondary")
    type_in(f"pulumi config set --path acknowledge.{before.check} 'the reason'", stack=stack)
    (after,) = site.found("nodes-ready", **Settings.read(written(stack)).own)
    assert (before.severity, after.severity) == (Severity.BLOCKER, Severity.WARNING)
    assert after.acknowledged == "the reason"
