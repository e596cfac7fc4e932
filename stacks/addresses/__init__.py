"""Register of addresses: every network that a cluster is known to use, with its kind and its owner."""

from stacks.addresses.entry import ByName, Entry, Kind, Network, is_single
from stacks.addresses.reading import address_of, addresses_in_text, host_of, named_in, named_in_text, networks_of
from stacks.addresses.register import NOTHING_KNOWN, Register

__all__ = [
    "NOTHING_KNOWN",
    "ByName",
    "Entry",
    "Kind",
    "Network",
    "Register",
    "address_of",
    "addresses_in_text",
    "host_of",
    "is_single",
    "named_in",
    "named_in_text",
    "networks_of",
]
