"""Annotations against eviction, for autoscalers and deschedulers; the Eviction API does not honour them."""

from collections.abc import Mapping

_NO_MORE = ("", "false")
# Some of their readers accept a single value, others any value but a negative one.
_ONE_VALUE = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
_ANY_VALUE = (
    "karpenter.sh/do-not-disrupt", "karpenter.sh/do-not-evict", "descheduler.alpha.kubernetes.io/prefer-no-eviction",
)  # fmt: skip


def wishes_to_stay(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """Those that a pod has, as KEY=VALUE."""
    return tuple(
        f"{key}={value}"
        for key, value in sorted(annotations.items())
        if _ONE_VALUE.get(key) == value.lower() or (key in _ANY_VALUE and value.lower() not in _NO_MORE)
    )
