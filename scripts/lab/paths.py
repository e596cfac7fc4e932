"""Folders of the lab: built parts, shared by all checkouts; the state and the program, one for each checkout."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def cache_folder() -> Path:
    """The machine-wide cache of built parts and images, by version; safe to delete when no lab runs."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "cilium-live-migration"


def lab_folder() -> Path:
    """The folder with the state of this checkout's lab: nodes' disks, certificates, logs, results. Ignored by git."""
    return Path(os.environ.get("LAB_FOLDER") or CHECKOUT / ".lab")


def program_folder() -> Path:
    """The folder in which the engine runs the program; tests that run side by side each have one of their own."""
    return Path(os.environ.get("LAB_PROGRAM") or CHECKOUT)
