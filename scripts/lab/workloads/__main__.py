"""Run as `python -m scripts.lab.workloads`."""

import sys

from scripts.lab.console import LabError, console
from scripts.lab.workloads.apply import app

try:
    app()
except LabError as error:
    console.print(f"[red]{error}[/red]")
    sys.exit(1)
