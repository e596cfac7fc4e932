"""Removes nftables tables by name; prints those removed and those left as one line of JSON.

A name that ends with a dash is a prefix.

Runs on the node, standard library only: it uses netlink directly, as nodes and agents seldom have `nft`. Needs the
host's network. A second run changes nothing.
"""

import errno
import json
import os
import socket
import struct
import sys

NETFILTER, NFTABLES = 12, 10
NEW_TABLE, GET_TABLE, DELETE_TABLE = (NFTABLES << 8 | number for number in (0, 1, 2))
BEGIN, END = 16, 17
ERROR, DONE = 2, 3
REQUEST, ACKNOWLEDGE, DUMP = 1, 4, 0x300
NAME = 1
FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
HEADER = struct.Struct("=IHHII")
# A kernel without nftables rejects the message.
UNKNOWN = (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOENT, errno.EPROTONOSUPPORT)


def message(kind: int, flags: int, *, family: int = 0, resource: int = 0, body: bytes = b"") -> bytes:
    """One message of nfnetlink."""
    payload = struct.pack("!BBH", family, 0, resource) + body
    return HEADER.pack(HEADER.size + len(payload), kind, flags, 1, 0) + payload


def named(name: str) -> bytes:
    """The attribute with a table's name."""
    text = name.encode() + b"\0"
    return struct.pack("=HH", 4 + len(text), NAME) + text + b"\0" * (-len(text) % 4)


def name_in(attributes: bytes) -> str:
    """The table's name among its attributes."""
    while len(attributes) >= 4:
        size, kind = struct.unpack_from("=HH", attributes)
        if kind == NAME:
            return attributes[4:size].rstrip(b"\0").decode(errors="replace")
        attributes = attributes[(size + 3) & ~3 :]
    return ""


def ask(*messages: bytes, until: int) -> "list[tuple[int, bytes]]":
    """The kernel's answers up to a message of kind `until`. Raises OSError if it reports an error."""
    found: list[tuple[int, bytes]] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETFILTER) as kernel:
        kernel.settimeout(10)
        kernel.sendto(b"".join(messages), (0, 0))
        while True:
            data = kernel.recv(1 << 20)
            while data:
                size, kind, *_ = HEADER.unpack_from(data)
                body, data = data[HEADER.size : size], data[(size + 3) & ~3 :]
                if kind == ERROR and (number := -struct.unpack_from("=i", body)[0]):
                    raise OSError(number, os.strerror(number))
                found.append((kind, body))
                if kind == until:
                    return found


def tables() -> "list[tuple[int, str]]":
    """Family and name of every table."""
    try:
        answers = ask(message(GET_TABLE, REQUEST | DUMP), until=DONE)
    except OSError as error:
        if error.errno in UNKNOWN:
            return []
        raise
    return [(body[0], name_in(body[4:])) for kind, body in answers if kind == NEW_TABLE]


def delete(family: int, name: str) -> None:
    """Delete a table with its contents."""
    ask(
        message(BEGIN, REQUEST, resource=NFTABLES),
        message(DELETE_TABLE, REQUEST | ACKNOWLEDGE, family=family, body=named(name)),
        message(END, REQUEST, resource=NFTABLES),
        until=ERROR,
    )


def main(names: "tuple[str, ...]") -> None:
    """Delete the tables, then list those that are left."""
    beginnings = tuple(each for each in names if each.endswith("-"))

    def named_so() -> "list[tuple[int, str]]":
        return [each for each in tables() if each[1] in names or each[1].startswith(beginnings)]

    why: dict[tuple[int, str], str] = {}
    wanted = named_so()
    for table in wanted:
        try:
            delete(*table)
        except OSError as error:
            why[table] = str(error.strerror)
    left = named_so()

    def shown(table: "tuple[int, str]") -> str:
        return f"{FAMILIES.get(table[0], table[0])} {table[1]}"

    print(
        json.dumps(
            {
                "removed": [shown(each) for each in wanted if each not in left],
                "left": [shown(each) + (f" ({why[each]})" if each in why else "") for each in left],
            }
        )
    )


main(tuple(sys.argv[1:]))
