"""The reports of demos: a folder for each run, so that a run does not overwrite the last one's."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

REPORTS = "reports"
KEPT = 10


def new_folder(base: Path, *, kept: int = KEPT) -> Path:
    """Create an empty folder for the run that ends now; of all folders, the newest `kept` stay."""
    reports = base / REPORTS
    name = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S.%fZ}"
    folder = reports / name
    folder.mkdir(parents=True)
    for old in sorted(each for each in reports.iterdir() if each.is_dir())[:-kept]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def as_latest(folder: Path, *, base: Path) -> None:
    """Copy a run's files to the place of the newest report."""
    for file in folder.iterdir():
        shutil.copy(file, base / file.name)


def remove_all_but_reports(base: Path) -> None:
    """Empty a lab's folder but for its reports; remove it if it has none."""
    for each in base.iterdir() if base.is_dir() else ():
        if each.is_dir() and not each.is_symlink():
            if each.name != REPORTS:
                shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink()
    if base.is_dir() and not any(base.iterdir()):
        base.rmdir()
