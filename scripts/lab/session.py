"""A Pulumi stack on the lab: config, preview and up with the real CLI, as a user would run them."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from components import timings
from scripts.lab.building import build_parts
from scripts.lab.cluster.sources import FLANNEL, Source
from scripts.lab.console import LabError, console
from scripts.lab.images.store import image_store
from scripts.lab.kubernetes_plugin.install import install
from scripts.lab.paths import CHECKOUT, lab_folder, program_folder
from scripts.lab.toolchain import parts, plan
from scripts.lab.toolchain.build import build_part, cilium_chart
from scripts.lab.toolchain.pulumi import cli_folder, environment

# A progress line of a provider: `worker-1 [2/7] drain: 3 of 5 pods gone (1.2 s)`.
_PROGRESS = re.compile(r"(\S+ \[\d+/\d+\] .+ \(\d+\.\d s\))\s*$")
_TOLD = re.compile(r"^\s*(error: .*|\[[a-z-]+\] .*)$")
_LIMIT_SECONDS = 1800
_WITH_CONFIG = ("config", "preview", "up", "refresh", "destroy")


def build_everything(sources: Sequence[Source] = (FLANNEL,)) -> None:
    """Every program and image of the lab and of the engine, so that nothing is compiled beside a running cluster.

    Of the old CNIs those of the `sources` alone: whoever migrates from Flannel needs not wait for others.
    """
    plan.build_all(plan.real(besides=list(dict.fromkeys(part for each in sources for part in each.parts))))
    cli_folder()
    build_parts()
    for images in dict.fromkeys(each.more_images for each in sources):
        image_store(besides=images)


def build_simulated() -> None:
    """Build the programs of a simulated cluster and of the engine, and get Cilium's chart."""
    plan.build_all(plan.simulated())
    cli_folder()
    cilium_chart()


def prepare(*, kubeconfig: Path, folder: Path | None = None) -> dict[str, str]:
    """The CLI's environment for the cluster of a kubeconfig; puts the plugin and Cilium's chart in place."""
    base = folder or lab_folder()
    home = base / "pulumi-home"
    install(home, python=Path(sys.executable))
    charts = CHECKOUT / ".lab" / "charts"  # the path in Pulumi.dev.yaml
    charts.mkdir(parents=True, exist_ok=True)
    link = charts / "cilium"
    chart = cilium_chart()
    if not link.is_symlink() or link.resolve() != chart.resolve():
        half = charts / f".{os.getpid()}"  # several processes may start at once
        half.symlink_to(chart)
        half.replace(link)
    helm = build_part(parts.HELM) / "helm"
    return environment(home=home, state=base / "pulumi-state", kubeconfig=kubeconfig, helm=helm)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One finished command of the CLI."""

    command: str
    exit_code: int
    output: str
    seconds: float


@dataclass
class Session:
    """One stack of this checkout's program; its config is a copy, so that the checkout does not change."""

    environment: dict[str, str]
    stack: str
    config: Path
    folder: Path
    program: Path = field(default_factory=program_folder)
    echo: bool = True
    runs: list[Run] = field(default_factory=list)

    @classmethod
    def start(
        cls,
        *,
        kubeconfig: Path,
        stack: str,
        template: str = "Pulumi.dev.yaml",
        folder: Path | None = None,
        echo: bool = True,
    ) -> "Session":
        """Create a new, empty stack with the config of `template`; state, home and logs are in `folder`."""
        base = folder or lab_folder()
        environment = prepare(kubeconfig=kubeconfig, folder=base)
        config = base / f"Pulumi.{stack}.yaml"
        session = cls(environment=environment, stack=stack, config=config, folder=base, echo=echo)
        config.write_text((CHECKOUT / template).read_text())
        # In a folder with only the project's name, as `init` writes a config file beside it.
        (base / "Pulumi.yaml").write_text((CHECKOUT / "Pulumi.yaml").read_text())
        session.program = base
        session.pulumi("stack", "rm", "--force", "--yes", "--preserve-config", check=False, quiet=True)
        session.pulumi("stack", "init", stack, with_stack=False, quiet=True)
        session.program = program_folder()
        return session

    def command(self, *words: str, with_stack: bool = True) -> list[str]:
        """The CLI's command line for this stack."""
        config = ["--config-file", str(self.config)] if words[0] in _WITH_CONFIG else []
        return ["pulumi", *words, *(["--stack", self.stack] if with_stack else []), *config]

    def pulumi(self, *words: str, check: bool = True, quiet: bool = False, with_stack: bool = True) -> Run:
        """Run the CLI; progress lines are shown as they come. Raises LabError with the end of the output on failure."""
        command = self.command(*words, with_stack=with_stack)
        shown = "pulumi " + " ".join([*words[:-1], "[secret]"] if "--secret" in words else words)
        if self.echo and not quiet:
            console.print(f"[bold]$ {shown}[/bold]", soft_wrap=True)
        began, lines = time.monotonic(), []
        with subprocess.Popen(
            command, cwd=self.program, env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            last, over = "", False
            for line in process.stdout:
                lines.append(line)
                over = over or line.startswith("Diagnostics:")  # the summary repeats everything
                found = _PROGRESS.search(line) or (None if check else _TOLD.match(line))
                if found and not over and self.echo and not quiet and found[1] != last:
                    last = found[1]
                    console.print(f"  [dim]{last}[/dim]", soft_wrap=True)
            process.wait(timeout=_LIMIT_SECONDS)
        run = Run(command=shown, exit_code=process.returncode, output="".join(lines), seconds=time.monotonic() - began)
        self.runs.append(run)
        timings.note("engine", shown, seconds=run.seconds)
        self._log(run)
        if check and run.exit_code != 0:
            raise LabError(f"{shown} ended with {run.exit_code}:\n{diagnostics(run.output)}")
        return run

    def set(self, **settings: str) -> None:
        """Set config values; `__` in a keyword stands for a dot in the path."""
        for name, value in settings.items():
            self.pulumi("config", "set", "--path", name.replace("__", "."), value)

    def set_path(self, path: str, value: str) -> None:
        """Set one config value by its path."""
        self.pulumi("config", "set", "--path", path, value)

    def preview(self, *, check: bool = True) -> Run:
        """Run `pulumi preview`; prints the program's own lines and the counts."""
        run = self.pulumi("preview", "--non-interactive", "--diff=false", check=check)
        if self.echo:
            for line in announcements(run.output):
                console.print(f"  {line}", markup=False, soft_wrap=True)
        return run

    def up(self, *, check: bool = True, parallel: int | None = None) -> Run:
        """Run `pulumi up` without confirmation, as the preview has shown the changes."""
        width = ["--parallel", str(parallel)] if parallel else []
        return self.pulumi("up", "--yes", "--skip-preview", "--non-interactive", *width, check=check)

    def _log(self, run: Run) -> None:
        folder = self.folder / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"pulumi-{self.stack}.log").open("a") as log:
            log.write(f"$ {run.command}\n{run.output}\nexit {run.exit_code} after {run.seconds:.1f} s\n\n")


def diagnostics(output: str) -> str:
    """The part of the CLI's output with its diagnostics."""
    _, found, rest = output.partition("Diagnostics:")
    return rest.partition("\nOutputs:\n")[0].strip()[-3000:] if found else output.strip()[-3000:]


def announcements(output: str) -> list[str]:
    """The program's lines about nodes and the engine's counts, from a preview's output."""
    _, _, rest = output.partition("Diagnostics:")
    wanted = re.compile(r"^\s*(warning: .*|note: .*|info: .*|.* (moves to Cilium|goes back to)\b.*|[+~-] \d+ to .*)$")
    return [line.strip() for line in (rest or output).splitlines() if wanted.match(line)]
