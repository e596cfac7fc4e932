"""A bad config, and the one line with which it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass

Raw = Mapping[str, str]
POOL = '{"podCidr": "10.245.0.0/16"}'
WAVE = '[["worker-1"]]'


@dataclass(frozen=True, kw_only=True)
class Bad:
    """Config as the engine hands it over (texts, JSON where it is not plain), the key, the fact and the remedy."""

    name: str
    raw: Raw
    key: str
    fact: str
    remedy: str

    @property
    def line(self) -> str:
        """The beginning of the line."""
        return f"config {self.key}: {self.fact}"


def http(settings: str) -> Raw:
    """Gates with these settings of access to Prometheus."""
    return {"gates": f'{{"prometheusUrl": "https://prometheus", "prometheusHttp": {{{settings}}}}}'}


def bad(name: str, raw: Raw, key: str, fact: str, remedy: str) -> Bad:
    """One of the table."""
    return Bad(name=name, raw=raw, key=key, fact=fact, remedy=remedy)
