"""Effect of the program's own `restore_cni_conf.py` on a machine: the script itself, on a folder with its CNI conf."""

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
    """The names of the files that are there afterwards; and what the script said was wrong, if anything."""
    text = (resources.files("components.operations") / "on_node" / "restore_cni_conf.py").read_text()
    assert text.count(_HOST) == 1, "the script finds the node's files elsewhere by now"
    with tempfile.TemporaryDirectory() as host:
        folder = Path(host) / _FOLDER
        folder.mkdir(parents=True)
        for name in conf:
            (folder / name).write_text(name)
        command = [sys.executable, "-I", "-S", "-c", text.replace(_HOST, host), cilium_conf]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return frozenset(each.name for each in folder.iterdir()), done.stderr.strip() if done.returncode else ""
