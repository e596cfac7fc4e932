"""Gives the old CNI its conf back and removes Cilium's; prints the files that are there then, as one line of JSON.

Runs on the node, standard library only. Done twice it does nothing. The agent must no longer be managing the conf,
or it undoes this within seconds.
"""

import json
import pathlib
import sys

FOLDER = pathlib.Path("/proc/1/root/etc/cni/net.d")
BACKUP = ".cilium_bak"
cilium_conf = FOLDER / sys.argv[1]

# The old conf first: at no moment may the folder be without one, or the node turns NotReady.
for saved in sorted(FOLDER.glob(f"*{BACKUP}")):
    original = saved.with_name(saved.name[: -len(BACKUP)])
    if original.exists():
        saved.unlink()
    else:
        saved.rename(original)
others = [
    entry for entry in FOLDER.iterdir() if entry.suffix in (".conf", ".conflist", ".json") and entry != cilium_conf
]
if not others:
    sys.exit(f"{FOLDER} holds no conf of the old CNI to go back to; {cilium_conf.name} was left where it is")
cilium_conf.unlink(missing_ok=True)
print(json.dumps(sorted(entry.name for entry in FOLDER.iterdir())))
