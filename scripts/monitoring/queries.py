"""PromQL queries of the dashboard."""

from components.probe.manifests import MOVING

NAMESPACES = "label_values(cni_probe_attempts_total, namespace)"
NODES = 'label_values(cni_probe_attempts_total{namespace="$namespace"}, node)'
ALERTS = 'ALERTS{namespace="$namespace",alertname=~"CniProbe.*",alertstate="firing"}'

_PAIR = "kind, node, target_node"


def chosen(metric: str, matchers: str = "") -> str:
    """A metric, limited to the selected namespace and nodes."""
    return f'{metric}{{namespace="$namespace",node=~"$node"{matchers and ","}{matchers}}}'


def attempts(outcomes: str, matchers: str = "") -> str:
    """Attempts with one of these results."""
    return chosen("cni_probe_attempts_total", f'outcome=~"{outcomes}"{matchers and ","}{matchers}')


def increase(metric: str, *, by: str = "", over: str = "$__rate_interval") -> str:
    """The increase of counters, summed."""
    return f"sum{by and f' by ({by}) '}(increase({metric}[{over}]))"


def rate(metric: str, *, by: str) -> str:
    """The rate of counters, summed."""
    return f"sum by ({by}) (rate({metric}[$__rate_interval]))"


def success(*, by: str = "", over: str = "$__rate_interval") -> str:
    """The share of attempts that were answered; those cut by a planned end do not count."""
    of = increase(attempts("answered|failed"), by=by, over=over)
    return f"{increase(attempts('answered'), by=by, over=over)} / {of}"


def latency(quantile: float) -> str:
    """The latency in seconds below which the given share of attempts is answered."""
    buckets = rate(chosen("cni_probe_latency_seconds_bucket"), by="kind, le")
    return f"histogram_quantile({quantile}, {buckets})"


def outages(cause: str) -> str:
    """Ended outages with the given cause."""
    return increase(chosen("cni_probe_outage_seconds_count", f'cause="{cause}"'), by="kind")


def longest_loss() -> str:
    """The upper bound of the longest outage, from the histogram."""
    buckets = increase(chosen("cni_probe_outage_seconds_bucket", 'cause="lost"'), by="le", over="$__range")
    return f"histogram_quantile(1, {buckets})"


def age() -> str:
    """The age of the probes that stay on their nodes."""
    began = chosen("process_start_time_seconds", f'pod!~"{MOVING}-.*"')
    return f"time() - max by (node) ({began})"


def pairs(outcome: str) -> str:
    """Attempts of each kind, for each pair of nodes."""
    return increase(attempts(outcome), by=_PAIR, over="$__range")


def matrix() -> str:
    """Failed attempts to pods, for each pair of nodes."""
    return increase(attempts("failed", 'kind=~"pod-.*",target_node!=""'), by="node, target_node", over="$__range")
