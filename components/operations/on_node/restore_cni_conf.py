"""Restores the old CNI's conf and removes Cilium's; prints the files in the folder afterwards, as one line of JSON.

Runs on the node, standard library only, with the name of Cilium's conf and its folder. A second run changes nothing.
The agent must no longer manage the conf, or it undoes this within seconds.
"""

import json
import pathlib
import sys

FOLDER = pathlib.Path("/proc/1/root", sys.argv[2].lstrip("/"))
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
    sys.exit(
        f"{FOLDER} holds no conf of the old CNI to go back to; {cilium_conf.name} was left where it is: delete the old "
        "network's pod on this node, which writes its conf when it starts, then `pulumi up` again"
    )
cilium_conf.unlink(missing_ok=True)
print(json.dumps(sorted(entry.name for entry in FOLDER.iterdir())))
