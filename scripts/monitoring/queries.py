"""The dashboard's questions in PromQL."""

from components.probe.manifests import MOVING

NAMESPACES = "label_values(cni_probe_attempts_total, namespace)"
NODES = 'label_values(cni_probe_attempts_total{namespace="$namespace"}, node)'
ALERTS = 'ALERTS{namespace="$namespace",alertname=~"CniProbe.*",alertstate="firing"}'

_PAIR = "kind, node, target_node"


def chosen(metric: str, matchers: str = "") -> str:
    """A metric of the namespace and the nodes that are looked at."""
    return f'{metric}{{namespace="$namespace",node=~"$node"{matchers and ","}{matchers}}}'


def attempts(outcomes: str, matchers: str = "") -> str:
    """Attempts that ended in one of these ways."""
    return chosen("cni_probe_attempts_total", f'outcome=~"{outcomes}"{matchers and ","}{matchers}')


def increase(metric: str, *, by: str = "", over: str = "$__rate_interval") -> str:
    """How much counters rose, together."""
    return f"sum{by and f' by ({by}) '}(increase({metric}[{over}]))"


def rate(metric: str, *, by: str) -> str:
    """How fast counters rise, together."""
    return f"sum by ({by}) (rate({metric}[$__rate_interval]))"


def success(*, by: str = "", over: str = "$__rate_interval") -> str:
    """The share of attempts that were answered; what a planned end cost is nobody's failure."""
    of = increase(attempts("answered|failed"), by=by, over=over)
    return f"{increase(attempts('answered'), by=by, over=over)} / {of}"


def latency(quantile: float) -> str:
    """In how many seconds so large a share of attempts is answered."""
    buckets = rate(chosen("cni_probe_latency_seconds_bucket"), by="kind, le")
    return f"histogram_quantile({quantile}, {buckets})"


def outages(cause: str) -> str:
    """Outages that ended, for this cause."""
    return increase(chosen("cni_probe_outage_seconds_count", f'cause="{cause}"'), by="kind")


def longest_loss() -> str:
    """The bound of the histogram that no outage passed: of which length the longest was at most."""
    buckets = increase(chosen("cni_probe_outage_seconds_bucket", 'cause="lost"'), by="le", over="$__range")
    return f"histogram_quantile(1, {buckets})"


def age() -> str:
    """How long the probes that stay on their nodes have been there."""
    began = chosen("process_start_time_seconds", f'pod!~"{MOVING}-.*"')
    return f"time() - max by (node) ({began})"


def pairs(outcome: str) -> str:
    """Attempts of each kind from each node to each other one."""
    return increase(attempts(outcome), by=_PAIR, over="$__range")


def matrix() -> str:
    """Failed attempts to pods, by the two nodes."""
    return increase(attempts("failed", 'kind=~"pod-.*",target_node!=""'), by="node, target_node", over="$__range")
