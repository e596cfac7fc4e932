"""Writes translations to files, for review before they are accepted."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from stacks.policies import Inventory


def write(found: Inventory, folder: Path) -> list[Path]:
    """Write one file an object: translations, and below `window` the policies for the time with both networks."""
    meanwhile = folder / "window"
    return [
        *_all(found.manifests, folder),
        *_all(found.window, meanwhile),
        *_all(found.old_side, meanwhile / "old-engine"),
    ]  # fmt: skip


def _all(manifests: Iterable[Mapping[str, Any]], folder: Path) -> list[Path]:
    files = []
    for item in manifests:
        folder.mkdir(parents=True, exist_ok=True)
        metadata = item["metadata"]
        file = folder / f"{metadata.get('namespace', 'cluster')}-{metadata['name']}.yaml"
        file.write_text(yaml.safe_dump(dict(item), sort_keys=False))
        files.append(file)
    return files
