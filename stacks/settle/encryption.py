"""Cilium's transparent encryption: its overhead in bytes per packet, and its UDP port on each node."""

WIREGUARD_PORT = 51871  # fixed (Cilium's pkg/wireguard/types)
# Cilium's pkg/mtu: for WireGuard 80 bytes before 1.19, 95 since.
_WIREGUARD, _WIREGUARD_SINCE = {False: 80, True: 95}, (1, 19)
_IPSEC = 77


def overhead(encryption: str, *, version: tuple[int, int]) -> int:
    """Bytes that `wireguard` or `ipsec` takes off the MTU, in addition to the tunnel's header."""
    if encryption == "wireguard":
        return _WIREGUARD[version >= _WIREGUARD_SINCE]
    return _IPSEC if encryption == "ipsec" else 0
