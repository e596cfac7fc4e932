"""Command line that lists the images of a migration and changes nothing: `python -m scripts.images --stack prod`."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from components.operations.cluster_api.api import connect
from components.operations.cluster_api.errors import ClusterError
from components.plan import examine
from scripts.check.command_options import FAILED, as_asked, err, run, settings_of
from scripts.images.needed import ImagesError, of_cilium, of_our_pods, secrets_needed, within_reach


class Output(StrEnum):
    """Output formats of the list."""

    TEXT = "text"
    JSON = "json"


def images(
    stack: Annotated[
        str, typer.Option(help="Ask with this Pulumi stack's config; the selected one's if nothing is named.")
    ] = "",
    config_file: Annotated[Path | None, typer.Option(help="Ask with the config in this file instead.")] = None,
    output: Annotated[Output, typer.Option(help="How to print.")] = Output.TEXT,
    helm: Annotated[str, typer.Option(help="The helm program that renders Cilium's chart.")] = "helm",
    program: Annotated[Path, typer.Option(help="The folder with Pulumi.yaml.")] = Path(),
    kubeconfig: Annotated[str, typer.Option(help="Instead of the stack's own kubeconfig.")] = "",
    context: Annotated[str, typer.Option(help="Instead of the stack's own context.")] = "",
) -> None:
    """Print every image that nodes pull in a migration, one a line; exits with 2 if some cannot be determined."""
    settings = settings_of(
        stack=stack, config_file=config_file, program=program, kubeconfig=kubeconfig, context=context
    )  # fmt: skip
    plan = examine(settings.own, kubeconfig=settings.kubeconfig, context=settings.context, secret=settings.secret)
    found, failure = [of_our_pods(plan)], ""
    try:
        cluster = connect(kubeconfig=settings.kubeconfig, context=settings.context)
        same = as_asked(
            stack=stack, config_file=config_file, program=program, kubeconfig=kubeconfig, context=context
        )  # fmt: skip
        ciliums, how = of_cilium(plan, cluster=cluster, helm=helm, asked=same)
        found += ciliums
        err.print(escape(f"found by {how}"), soft_wrap=True)
    except (ImagesError, ClusterError) as error:
        failure = str(error)
    if output is Output.JSON:
        print(json.dumps([each.model_dump(exclude_defaults=True) for each in found], indent=2))
    else:
        for each in found:
            print(f"{each.image}\t{each.user}" + (f", to be copied from {each.original}" if each.original else ""))
    for note in filter(None, (secrets_needed(plan), within_reach(plan, found))):
        err.print(escape(note), soft_wrap=True)
    if failure:
        err.print(f"[red]✗[/red] {escape(failure)}", soft_wrap=True)
        sys.exit(FAILED)


if __name__ == "__main__":
    run(images)
