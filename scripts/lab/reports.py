"""The reports of demos: a folder for each run, so that the next one does not take the last one's away."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

REPORTS = "reports"
KEPT = 10


def new_folder(base: Path, *, kept: int = KEPT) -> Path:
    """An empty folder for the run that ends now; of all, the newest `kept` stay."""
    reports = base / REPORTS
    name = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S.%fZ}"
    folder = reports / name
    folder.mkdir(parents=True)
    for old in sorted(each for each in reports.iterdir() if each.is_dir())[:-kept]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def as_latest(folder: Path, *, base: Path) -> None:
    """Copy a run's files to where the newest are looked for."""
    for file in folder.iterdir():
        shutil.copy(file, base / file.name)


def remove_all_but_reports(base: Path) -> None:
    """Empty a lab's folder; it goes too where no report is in it."""
    for each in base.iterdir() if base.is_dir() else ():
        if each.is_dir() and not each.is_symlink():
            if each.name != REPORTS:
                shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink()
    if base.is_dir() and not any(base.iterdir()):
        base.rmdir()
