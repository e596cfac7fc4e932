"""Obstacles that keep a pod off a node, in the scheduler's order, and the verdict from all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of obstacles; the texts follow a number of nodes."""

    NOT_READY = "not Ready"
    MOVING = "cordoned for the wave"
    CORDONED = "cordoned"
    TAINT = "with a taint that it does not tolerate"
    NOT_CHOSEN = "outside its node selector or affinity"
    PORT = "where its host port is taken"
    PODS = "with as many pods as its kubelet takes"
    LACKING = "without room"
    VOLUME_USED = "as its ReadWriteOncePod claim is in use"
    VOLUME_LIMIT = "with as many volumes as its driver attaches"
    VOLUME_PLACE = "that cannot reach its volume"
    VOLUME_NONE = "without a volume for its claim"
    VOLUME_ZONE = "in another zone than its volume"
    NO_DOMAIN = "without the label of its topology spread"
    SPREAD = "where its topology spread would be broken"
    AFFINITY = "without the pods that it must be near"
    ANTI_AFFINITY = "with pods that it must not be near"
    EXCLUDED = "with pods that must not be near it"

    @property
    def of_room(self) -> bool:
        """True if another node, or fewer pods, would resolve it."""
        return self in (Kind.PODS, Kind.LACKING, Kind.PORT, Kind.VOLUME_LIMIT)


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """One obstacle on one node."""

    kind: Kind
    detail: str = ""

    @property
    def text(self) -> str:
        """The obstacle in a form for messages."""
        return f"{self.kind} ({self.detail})" if self.detail else str(self.kind)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The prediction for a pod's replacement: it fits on `node`, or on none for the obstacles listed, or is unknown.

    `refused` is the reason why no node is even considered; `preempts` is True if pods of lower priority on `node` have
    to go for it; `past_cordon` is the reason why it goes to `node` although that is cordoned for the wave.
    """

    node: str = ""
    refused: str = ""
    in_the_way: Mapping[str, Sequence[Obstacle]] | None = None
    not_known: str = ""
    preempts: bool = False
    past_cordon: str = ""

    @property
    def kinds(self) -> set[Kind]:
        """All kinds of obstacles on any node."""
        return {each.kind for found in (self.in_the_way or {}).values() for each in found}

    @property
    def summary(self) -> str:
        """The nodes counted by obstacle: `0 of 4 nodes: 1 cordoned for the wave, 3 without room (cpu)`."""
        nodes: dict[str, list[str]] = {}
        for node, found in sorted((self.in_the_way or {}).items()):
            for each in found:
                nodes.setdefault(each.text, []).append(node)
        counted = sorted(nodes.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        lines = [f"{names[0] if len(names) == 1 else len(names)} {text}" for text, names in counted]
        return f"0 of {len(self.in_the_way or {})} nodes: {', '.join(lines)}"
