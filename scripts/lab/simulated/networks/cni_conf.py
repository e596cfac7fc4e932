"""Runs the program's `restore_cni_conf.py` for a simulated machine, on a folder with its CNI confs."""

import subprocess
import sys
import tempfile
from functools import cache
from importlib import resources
from pathlib import Path

_HOST = "/proc/1/root"
_FOLDER = "etc/cni/net.d"


@cache
def run_on_conf(conf: frozenset[str], cilium_conf: str) -> tuple[frozenset[str], str]:
    """The names of the files afterwards, and the script's error output, if any."""
    text = (resources.files("components.operations") / "on_node" / "restore_cni_conf.py").read_text()
    assert text.count(_HOST) == 1, "the script no longer finds the node's files at this path"
    with tempfile.TemporaryDirectory() as host:
        folder = Path(host) / _FOLDER
        folder.mkdir(parents=True)
        for name in conf:
            (folder / name).write_text(name)
        command = [sys.executable, "-I", "-S", "-c", text.replace(_HOST, host), cilium_conf, f"/{_FOLDER}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return frozenset(each.name for each in folder.iterdir()), done.stderr.strip() if done.returncode else ""
