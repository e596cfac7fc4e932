from pathlib import Path

from scripts.lab.leftovers import mounts_below, suspicious_links

_MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 22 0:50 / /work/main/.lab/nodes/worker-1/disk/root rw - overlay overlay rw
41 22 0:51 / /work/main/.lab-of-another rw - tmpfs tmpfs rw
42 22 0:52 / /work/main/.lab/with\\040space rw - tmpfs tmpfs rw
"""


def test_only_mounts_inside_the_folder_count() -> None:
    assert mounts_below(_MOUNTS, Path("/work/main/.lab")) == [
        "/work/main/.lab/nodes/worker-1/disk/root",
        "/work/main/.lab/with space",
    ]


def test_devices_that_were_there_before_are_not_the_labs() -> None:
    now = {"lo", "eth0", "docker0", "cni0", "port3", "cilium_host", "flannel.1", "lxc12ab"}
    assert suspicious_links(now, before={"lo", "eth0", "cni0"}) == ["cilium_host", "flannel.1", "lxc12ab", "port3"]
