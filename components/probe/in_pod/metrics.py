"""The ledger as Prometheus reads it: counters and histograms, which no restart of a scraper can miss."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from .ledger import LATENCY_BOUNDS_MS, OUTAGE_BOUNDS_SECONDS, Ledger

_ATTEMPTS = "cni_probe_attempts_total"
_LATENCY = "cni_probe_latency_seconds"
_OUTAGE = "cni_probe_outage_seconds"
_PAUSES = "cni_probe_pauses_total"
_PAUSED = "cni_probe_paused_seconds_total"


def _labels(**labels: str) -> str:
    escaped = {
        key: value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for key, value in labels.items()
    }
    return "{" + ",".join(f'{key}="{value}"' for key, value in escaped.items()) + "}" if labels else ""


def _histogram(
    name: str, bounds: Sequence[float], counts: Sequence[float], total: float, **labels: str
) -> Iterator[str]:
    so_far = 0
    for bound, count in zip([*(f"{bound:g}" for bound in bounds), "+Inf"], counts):
        so_far += int(count)
        yield f"{name}_bucket{_labels(**labels, le=bound)} {so_far}"
    yield f"{name}_sum{_labels(**labels)} {total:.6f}"
    yield f"{name}_count{_labels(**labels)} {so_far}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _attempts(ledger: Ledger) -> Iterator[str]:
    yield from _head(_ATTEMPTS, "counter", "Requests, lookups and echo beats by outcome; answered, failed or planned.")
    nodes: dict[tuple[str, str, str], int] = {}
    for row in ledger.rows.values():
        node = ledger.names.get(row.to, ("", ""))[1] if row.kind.startswith("pod-") else ""
        answered = sum(row.latency)
        for outcome, count in (("answered", answered), ("failed", row.failed), ("planned", row.planned)):
            nodes[row.kind, node, outcome] = nodes.get((row.kind, node, outcome), 0) + count
    for (kind, node, outcome), count in sorted(nodes.items()):
        yield f"{_ATTEMPTS}{_labels(kind=kind, target_node=node, outcome=outcome)} {count}"


def _latencies(ledger: Ledger) -> Iterator[str]:
    yield from _head(_LATENCY, "histogram", "Time until an answer.")
    kinds: dict[str, tuple[list[int], float]] = {}
    for row in ledger.rows.values():
        counts, total = kinds.get(row.kind, ([0] * len(row.latency), 0.0))
        kinds[row.kind] = (
            [mine + its for mine, its in zip(counts, row.latency)],
            total + row.latency_sum_ms,
        )
    bounds = [bound / 1000 for bound in LATENCY_BOUNDS_MS]
    for kind, (counts, total) in sorted(kinds.items()):
        yield from _histogram(_LATENCY, bounds, counts, total / 1000, kind=kind)


def _outages(ledger: Ledger) -> Iterator[str]:
    yield from _head(_OUTAGE, "histogram", "Length of times without an answer that are over; planned or lost.")
    for (kind, cause), counts in sorted(ledger.outage_seconds.items()):
        yield from _histogram(_OUTAGE, OUTAGE_BOUNDS_SECONDS, counts[:-1], counts[-1], kind=kind, cause=cause)


def metrics(ledger: Ledger) -> str:
    """All of it, in the text format."""
    lines = [*_attempts(ledger), *_latencies(ledger), *_outages(ledger)]
    lines += [*_head(_PAUSES, "counter", "Times that the probe's process itself did not run for over 0.1 s.")]
    lines.append(f"{_PAUSES} {ledger.pause_count}")
    lines += [*_head(_PAUSED, "counter", "How long it did not run in these times.")]
    lines.append(f"{_PAUSED} {ledger.pause_ms / 1000:.3f}")
    lines += [*_head("process_cpu_seconds_total", "counter", "Processor time of the probe.")]
    lines.append(f"process_cpu_seconds_total {time.process_time():.3f}")
    return "\n".join(lines) + "\n"
