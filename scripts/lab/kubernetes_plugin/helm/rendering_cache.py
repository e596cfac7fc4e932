"""A cache of a chart's renderings between runs: rendering Cilium's takes half a second of each `pulumi up`.

It stores a digest and names, never the rendering, which holds the keys of generated certificates.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """One rendering: its checksum, and the names of its objects by kind."""

    checksum: str
    names: dict[str, list[str]]


@dataclass(frozen=True, kw_only=True)
class _Kept:
    rendering: Rendering
    # Known after a second rendering: a chart that generates certificates renders differently each time.
    varies: bool | None


def kept(
    render: Callable[[], Rendering], *, chart: str, command: list[str], namespace: str, values: Mapping[str, Any]
) -> Rendering:
    """The rendering of a chart on this machine, from the cache file of an earlier run if there is one.

    A chart that renders differently each time gets a new checksum each time, as if it were rendered.
    """
    home, folder = os.environ.get("PULUMI_HOME"), Path(chart)
    if not home or not folder.exists():
        return render()
    file = Path(home) / "rendered" / f"{_key(folder, [*command, namespace], values)}.json"
    before = _read(file)
    if before and before.varies is not None:
        checksum = secrets.token_hex(32) if before.varies else before.rendering.checksum
        return Rendering(checksum=checksum, names=before.rendering.names)
    now = render()
    _write(file, _Kept(rendering=now, varies=now.checksum != before.rendering.checksum if before else None))
    return now


def _key(chart: Path, command: list[str], values: Mapping[str, Any]) -> str:
    # The chart's files by their times and sizes: an edited file causes a new rendering.
    files = sorted(path for path in chart.rglob("*") if path.is_file()) if chart.is_dir() else [chart]
    marks = [(str(path), status.st_size, status.st_mtime_ns) for path in files for status in [path.stat()]]
    said = json.dumps([command, values, str(chart.resolve()), marks, os.environ.get("HELM_BINARY")], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _read(file: Path) -> _Kept | None:
    try:
        content = json.loads(file.read_text())
        return _Kept(rendering=Rendering(**content["rendering"]), varies=content["varies"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # missing or incomplete: render again


def _write(file: Path, content: _Kept) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_suffix(f".{os.getpid()}")
    half.write_text(json.dumps(asdict(content)))
    half.replace(file)
