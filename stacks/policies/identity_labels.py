"""The labels that Cilium builds identities from: its defaults, and the filter of its Helm value `labels`.

As its agent does it (source: pkg/labelsfilter/filter.go, 1.16 to 1.20): a label is included if the longest match of an
including pattern is longer than the shortest match of an excluding one. If no pattern of `labels` includes any, a label
that no pattern matches is included, too. Cilium's defaults depend on its version.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from stacks.cilium_versions import REQUIREMENTS, Minor
from stacks.policies.reasons import InexpressibleError

NAMESPACE = "io.kubernetes.pod.namespace"
_OF_PODS = "k8s"  # the label source of pods and their namespaces
_TAKEN = (
    r"io\.kubernetes\.pod\.namespace", r"io\.cilium\.k8s\.namespace\.labels", r"app\.kubernetes\.io",
    r"io\.cilium\.k8s\.policy\.cluster",
)  # fmt: skip
_LEFT_OUT = (
    r"io\.kubernetes", r"kubernetes\.io", r"statefulset\.kubernetes\.io/pod-name", r"apps\.kubernetes\.io/pod-index",
    r"batch\.kubernetes\.io/job-completion-index", r"batch\.kubernetes\.io/controller-uid", r".*beta\.kubernetes\.io",
    r"k8s\.io", r"pod-template-generation", r"pod-template-hash", r"controller-revision-hash", r"controller-uid",
    r"annotation.*", r"etcd_node",
)  # fmt: skip
_TAKEN_SINCE: dict[str, Minor] = {r"io\.cilium\.k8s\.policy\.serviceaccount": (1, 18)}
_LEFT_OUT_SINCE: dict[str, Minor] = {r"topology\.kubernetes\.io": (1, 19)}
NEWEST = max(REQUIREMENTS)
# Syntax with the same meaning in Go, whose expressions these are, and in Python.
_REPEATED = r"(?:[*+?]|\{[0-9]{1,3}(?:,[0-9]{0,3})?\})\??(?![*+?{])"
_SET = r"\[\^?(?:[^\[\]\\]|\\[dws./-])+\]"
_ONE = r"\\[^A-Za-z0-9\s]|\\[dDwWsSbB]|\((?:\?:)?(?!\?)|\)|[^\\\[\](){}*+?\s]"
_SAME_IN_BOTH = re.compile(rf"(?:{_ONE}|{_SET}|{_REPEATED})+")


class LabelFilterError(ValueError):
    """The filter cannot be parsed; the text names the part."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A filter pattern: includes or excludes labels by a prefix of their keys, of one source or of any."""

    expression: re.Pattern[str]
    leaves_out: bool = False
    source: str = ""

    def matched(self, key: str) -> int | None:
        """The length of the match in a pod's label, which may be 0; None if it does not match."""
        found = self.expression.match(key) if self.source in ("", _OF_PODS) else None
        return found.end() if found else None


def _all(texts: Iterable[str], *, leaves_out: bool) -> tuple[Pattern, ...]:
    return tuple(Pattern(expression=re.compile(each), leaves_out=leaves_out) for each in texts)


@cache
def _defaults(version: Minor) -> tuple[Pattern, ...]:
    taken = (*_TAKEN, *(each for each, since in _TAKEN_SINCE.items() if version >= since))
    left_out = (*_LEFT_OUT, *(each for each, since in _LEFT_OUT_SINCE.items() if version >= since))
    return (*_all(taken, leaves_out=False), *_all(left_out, leaves_out=True))


@dataclass(frozen=True, kw_only=True)
class LabelFilter:
    """Cilium's `labels` as patterns; empty for the default. `fault` is the reason if it cannot be parsed."""

    patterns: tuple[Pattern, ...] = ()
    version: Minor = NEWEST
    fault: str = ""

    def takes(self, key: str) -> bool:
        """True if identities include a pod's label of that key."""
        taken, left_out = self._matched(key)
        only_named = any(not each.leaves_out for each in self.patterns)
        return taken > left_out or (left_out == 0 and not only_named)

    def _matched(self, key: str) -> tuple[int, int]:
        """The lengths of the including and the excluding match, computed in order as the agent does."""
        taken = left_out = 0
        for each in (*_defaults(self.version), *self.patterns):
            length = each.matched(key)
            if length is None:
                continue
            if not each.leaves_out:
                taken = max(taken, length)
            elif left_out == 0 or length < left_out:
                left_out = length
        return taken, left_out

    def must_take(self, key: str) -> None:
        """Raises InexpressibleError for a label that no policy can select by."""
        if self.fault:
            raise InexpressibleError(f"label {key}: Cilium's `labels` cannot be read: {self.fault}")
        if self.takes(key):
            return
        if self._matched(key)[1] >= len(key):
            raise InexpressibleError(
                f"label {key} is not in Cilium's identities, whatever its Helm value `labels` says; select by another"
            )
        pattern = f"`{_OF_PODS}:{_escaped(key)}$`"
        others = "" if self.patterns else f", and `{_OF_PODS}:.*` beside that all others"
        raise InexpressibleError(
            f"label {key} is not in Cilium's identities: {pattern} in its Helm value `labels` lets it in{others}"
        )


def _escaped(key: str) -> str:
    return key.replace(".", r"\.")


@dataclass(frozen=True, kw_only=True)
class WrittenFilter:
    """A parsed filter, with warnings about patterns that are probably not what the user meant."""

    filter: LabelFilter = field(default_factory=LabelFilter)
    doubts: tuple[str, ...] = ()


def read_filter(text: str, *, version: Minor = NEWEST) -> WrittenFilter:
    """Parse patterns separated by spaces: `KEY`, `!KEY`, `SOURCE:KEY` or `SOURCE:!KEY`, KEY a regular expression."""
    patterns, doubts = list[Pattern](), list[str]()
    try:
        for word in text.split():
            pattern = _pattern(word)
            patterns.append(pattern)
            if pattern.source not in ("", _OF_PODS, "reserved"):
                doubts.append(_doubt(word, pattern))
    except LabelFilterError as error:
        return WrittenFilter(filter=LabelFilter(fault=str(error)))
    return WrittenFilter(filter=LabelFilter(patterns=tuple(patterns), version=version), doubts=tuple(doubts))


def _pattern(word: str) -> Pattern:
    source, colon, key = word.partition(":")
    if not colon:
        source, key = "", word
    leaves_out = key.startswith("!")
    written = key.removeprefix("!")
    if not key:
        raise LabelFilterError(f"'{word}' names no label, and no agent starts with that")
    if not _SAME_IN_BOTH.fullmatch(written or "x"):
        raise LabelFilterError(f"'{word}' is no expression that this program and Cilium's agent read alike")
    try:
        return Pattern(expression=re.compile(written, re.ASCII), leaves_out=leaves_out, source=source)
    except re.error as error:
        raise LabelFilterError(f"'{word}' is no regular expression that this program reads ({error})") from error


def _doubt(word: str, pattern: Pattern) -> str:
    kind = "takes" if not pattern.leaves_out else "leaves out"
    meant = f"{_OF_PODS}:!{word.removeprefix('!').partition(':')[2]}" if word.startswith("!") else ""
    return (
        f"'{word}' {kind} labels of source '{pattern.source}', which pods' labels are not"
        + (", and has Cilium take only labels that are named" if not pattern.leaves_out else "")
        + (f"; '{meant}' leaves them out" if meant else "")
    )
