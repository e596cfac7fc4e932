"""Encryption settings in a CNI's DaemonSet: its variables, arguments and config files."""

import re
from collections.abc import Iterator

from components.operations.snapshot import Snapshot
from components.sources.facts.workload import Object, config_map, containers, environment, mounted_config_maps, place

# Such as `--enable-ovn-ipsec=true`, `trafficEncryptionMode: wireGuard`, `OVN_ENABLE_IPSEC=1`; comments are left out.
_SWITCHED_ON = re.compile(
    r"""^(?!\s*[#;])(?![^=:\n]*(?:disable|ignore|skip))[^=:\n]*(wireguard|ipsec|encrypt)[\w.-]*["']?\s*[=:]\s*["']?"""
    r"""(true|1|yes|on|always|enabled?|wireguard|ipsec|psk)["']?[,\s]*$""",
    re.IGNORECASE | re.MULTILINE,
)
_SWITCH = re.compile(r"^--?enable-[\w-]*(wireguard|ipsec)[\w-]*$", re.IGNORECASE)
# Weave encrypts if it has a password, from any place: by IPsec, or by its own protocol.
_OF_WEAVE = "WEAVE_PASSWORD"
_KINDS = ("wireguard", "ipsec")


def asked_for(item: Object, snapshot: Snapshot) -> str:
    """`wireguard` or `ipsec` if the DaemonSet names it, `encryption` if it does not say which; or empty."""
    texts = list(_texts(item, snapshot))
    found = [match[0].lower() for text in texts for match in _SWITCHED_ON.finditer(text)]
    found += [text.lower() for text in texts if _SWITCH.match(text)]
    named = [kind for kind in _KINDS if any(kind in each for each in found)]
    password = any(each["name"] == _OF_WEAVE for container in containers(item) for each in container.get("env") or [])
    return named[0] if named else "encryption" if found or password else ""


def _texts(item: Object, snapshot: Snapshot) -> Iterator[str]:
    for container in containers(item):
        yield from container.get("command") or []
        yield from container.get("args") or []
        for name, value in environment(item, container, snapshot).items():
            yield f"{name}={value}"
    for name in mounted_config_maps(item):
        yield from config_map(snapshot, place(item)[0], name).values()
