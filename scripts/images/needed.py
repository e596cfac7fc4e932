"""Images that a migration pulls: that of the program's pods, and those of Cilium's chart, rendered or as it runs."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from components.names import NAMESPACES
from components.operations.cluster_api.api import Cluster
from components.phases.cilium_chart import chart_of
from components.plan import MigrationPlan
from stacks.notation.images import Image
from stacks.settle import Cilium
from stacks.values import final_values, migration_values

_LIMIT_SECONDS = 120
_RELEASE, _OF_RELEASE = "cilium", "meta.helm.sh/release-name"
_WORKLOADS = ("apis/apps/v1/{}/daemonsets", "apis/apps/v1/{}/deployments", "apis/batch/v1/{}/jobs",
              "apis/batch/v1/{}/cronjobs")  # fmt: skip


class ImagesError(Exception):
    """The images of Cilium cannot be determined; the text is one line that says what to do."""


class Needed(BaseModel):
    """One image as nodes pull it; `original` is the name to copy it from, if that is another."""

    model_config = ConfigDict(frozen=True)

    image: str
    user: str
    original: str = ""


def of_our_pods(plan: MigrationPlan) -> Needed:
    """The image of all of the program's own pods."""
    config = plan.config
    original = Image.read(config.probe.image).name if config.pods.registry else ""
    return Needed(image=config.image, user="this program's pods", original=original)


def secrets_needed(plan: MigrationPlan) -> str:
    """A line about the pull Secrets of the program's pods; empty if none are named."""
    names, places = ", ".join(plan.config.pods.pull_secrets), ", ".join(NAMESPACES)
    return f"pods.pullSecrets: {names} must be in each of namespaces {places}" if names else ""


def of_cilium(plan: MigrationPlan, *, cluster: Cluster, helm: str, asked: str) -> tuple[list[Needed], str]:
    """The images of Cilium, and the source of that list; `asked` are the options of the calling command.

    Raises ImagesError, ClusterError.
    """
    program = shutil.which(helm)
    if program:
        first, last = (
            set(images_in(_rendered(program, plan, values)))
            for values in (migration_values(plan.cilium), final_values(plan.cilium))
        )
        found, how = first | last, "Cilium's chart, rendered with the stack's values for all phases"
    else:
        found = set(_running(cluster, plan.cilium.namespace))
        how = f"what Cilium runs now, as there is no `{helm}` on PATH to render its chart: another phase may need more"
    if not found:
        words = " ".join(_command("helm", plan.cilium, version=plan.snapshot.server_version))
        raise ImagesError(
            f"Cilium does not run yet, and there is no `{helm}` on PATH to render its chart: install Helm, or pipe "
            f"`.venv/bin/python -m scripts.plan --values migration{asked}` into `{words}` where there is one"
        )
    return [Needed(image=image, user="Cilium") for image in sorted(found)], how


def images_in(node: object) -> Iterator[str]:
    """Every image that a manifest, or a part of one, names."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "image" and isinstance(value, str) and value:
                yield value
            else:
                yield from images_in(value)
    elif isinstance(node, list):
        for each in node:
            yield from images_in(each)


def _command(program: str, cilium: Cilium, *, version: str) -> list[str]:
    words = [program, "template", _RELEASE, *_chart(cilium), f"--namespace={cilium.namespace}", "--values=-"]
    return [*words, f"--kube-version={version}"] if version else words


def _chart(cilium: Cilium) -> list[str]:
    """The chart's arguments for Helm's commands."""
    chart = chart_of(cilium)
    where = chart.get("repositoryOpts")
    words = [str(chart["chart"])]
    words += [f"--version={chart['version']}"] if "version" in chart else []
    return [*words, f"--repo={where['repo']}"] if isinstance(where, Mapping) else words


def _rendered(program: str, plan: MigrationPlan, values: Mapping[str, Any]) -> list[object]:
    command = _command(program, plan.cilium, version=plan.snapshot.server_version)
    text = " ".join(["helm", *command[1:]])
    try:
        done = subprocess.run(
            command, input=json.dumps(values), capture_output=True, text=True, check=False, timeout=_LIMIT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ImagesError(f"`{text}` could not be run to its end ({error}): is the repository reached?") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise ImagesError(f"`{text}` failed: {said[-1].removeprefix('Error: ')}")
    return list(yaml.safe_load_all(done.stdout))


def _running(cluster: Cluster, namespace: str) -> Iterator[str]:
    for path in _WORKLOADS:
        for item in cluster.list("/" + path.format(f"namespaces/{namespace}")):
            if (item["metadata"].get("annotations") or {}).get(_OF_RELEASE) == _RELEASE:
                yield from images_in(item.get("spec"))


def within_reach(plan: MigrationPlan, images: list[Needed]) -> str:
    """A line about registries that are needed in addition to `pods.registry`; empty if that is not set, or none are."""
    registry = plan.config.pods.registry
    host = registry.partition("/")[0]
    others = sorted({found.host for each in images if (found := Image.read(each.image)).host != host})
    if not registry or not others:
        return ""
    return (
        f"pods.registry is for this program's pods alone; Cilium is pulled from {', '.join(others)} until its chart's "
        "own values say otherwise: image.repository, operator.image.repository and the like in `cilium.values` "
        f"(`helm show values {' '.join(_chart(plan.cilium))}` has them all)"
    )
