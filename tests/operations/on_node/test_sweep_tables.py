"""Tables of nftables go by what their names begin with, of every family, in a network namespace of the real kernel."""

import json
import subprocess
import sys

import pytest

from components.operations.our_pods.node_shell import script
from components.operations.removal.sweep import KUBE_PROXY
from components.sources import kindnet
from components.sources.calico.leftovers import LEFTOVERS
from components.sources.flannel import daemon_set as flannel

# The script's own functions make the tables that it then has to find.
_MAKE = """
import sys, json
exec(compile(sys.argv[1].rpartition("main(")[0], "script", "exec"))
for family, name in json.loads(sys.argv[2]):
    body = message(NEW_TABLE, REQUEST | ACKNOWLEDGE | 0x400, family=family, body=named(name))
    ask(message(BEGIN, REQUEST, resource=NFTABLES), body, message(END, REQUEST, resource=NFTABLES), until=ERROR)
for _ in range(2):
    main(tuple(sys.argv[3:]))
print(json.dumps(tables()))
"""
IP, ARP, INET, IP6 = 2, 3, 1, 10


def swept(tables: list[tuple[int, str]], *beginnings: str) -> tuple[list[str], list[str], list[list[int | str]]]:
    """Tables that the first and the second run removed, and those that stay."""
    command = ["unshare", "--net", sys.executable, "-c", _MAKE, script("sweep_tables"), json.dumps(tables), *beginnings]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unshare failed" in done.stderr or "EPROTONOSUPPORT" in done.stderr:
        pytest.skip(f"no network namespace of our own with nftables: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    first, second, left = map(json.loads, done.stdout.splitlines())
    assert first["left"] == second["left"] == []
    return first["removed"], second["removed"], left


@pytest.mark.parametrize(
    ("theirs", "beginnings"),
    [
        ([(IP, "flannel-ipv4"), (IP6, "flannel-ipv6")], flannel.SWEEP.tables),
        ([(IP, "calico"), (IP6, "calico"), (ARP, "calico")], LEFTOVERS.tables),
        ([(IP, "kube-proxy"), (IP6, "kube-proxy")], KUBE_PROXY.tables),
        ([(INET, "kindnet-ipmasq"), (INET, "kube-network-policies")], kindnet.SWEEP.tables),
    ],
)
def test_their_tables_go_and_others_stay(theirs: list[tuple[int, str]], beginnings: tuple[str, ...]) -> None:
    others: list[tuple[int, str]] = [
        (IP, "filter"),
        (IP, "my-flannel-calico"),
        (IP, "calico2"),
        (INET, "kube-proxying"),
        (INET, "firewalld"),
    ]
    removed, again, left = swept([*theirs, *others], *beginnings)
    assert len(removed) == len(theirs)
    assert again == []
    assert sorted(left) == sorted(map(list, others))


def test_a_namespace_without_tables_has_none_to_sweep() -> None:
    assert swept([], "calico") == ([], [], [])
