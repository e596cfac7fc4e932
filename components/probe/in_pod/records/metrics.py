"""The ledger in Prometheus' text format, as counters and histograms, so that a scraper's restart loses nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..cost import memory_bytes, processor_seconds
from .ledger import LATENCY_BOUNDS_MS, OUTAGE_BOUNDS_SECONDS, OUTCOMES, Ledger

_ATTEMPTS = "cni_probe_attempts_total"
_LATENCY = "cni_probe_latency_seconds"
_OUTAGE = "cni_probe_outage_seconds"
_OPEN = "cni_probe_open_outages"
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
    for bound, count in zip([*(str(float(bound)) for bound in bounds), "+Inf"], counts):
        so_far += int(count)
        yield f"{name}_bucket{_labels(**labels, le=bound)} {so_far}"
    yield f"{name}_sum{_labels(**labels)} {total:.6f}"
    yield f"{name}_count{_labels(**labels)} {so_far}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _attempts(ledger: Ledger) -> Iterator[str]:
    yield from _head(_ATTEMPTS, "counter", "Requests, lookups and echo beats by outcome; answered, failed or planned.")
    for kind, node, counts in ledger.attempts():
        for outcome, count in zip(OUTCOMES, counts):
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
    none = [0.0] * (len(OUTAGE_BOUNDS_SECONDS) + 2)
    # Shown from 0 on: a counter whose first value is 1 has not risen in a scraper's view.
    for kind in sorted({row.kind for row in ledger.rows.values()}):
        for cause in ("lost", "planned"):
            counts = ledger.outage_seconds.get((kind, cause), none)
            yield from _histogram(_OUTAGE, OUTAGE_BOUNDS_SECONDS, counts[:-1], counts[-1], kind=kind, cause=cause)


def _open(ledger: Ledger) -> Iterator[str]:
    yield from _head(_OPEN, "gauge", "Times without an answer that are not over, among the latest 40.")
    rows = {(row.kind, ledger.target_node(row.kind, row.to)) for row in ledger.rows.values()}
    under_way = Counter((each.kind, ledger.target_node(each.kind, each.to)) for each in ledger.outages if each.open)
    for kind, node in sorted(rows | set(under_way)):
        yield f"{_OPEN}{_labels(kind=kind, target_node=node)} {under_way[kind, node]}"


def _process(ledger: Ledger) -> Iterator[str]:
    """The process metrics of Prometheus' client libraries, by the same names."""
    yield from _head("process_cpu_seconds_total", "counter", "Processor time of the probe.")
    yield f"process_cpu_seconds_total {processor_seconds():.3f}"
    yield from _head("process_resident_memory_bytes", "gauge", "Memory of the probe.")
    yield f"process_resident_memory_bytes {memory_bytes()}"
    yield from _head("process_start_time_seconds", "gauge", "When the probe began, in seconds since 1970.")
    yield f"process_start_time_seconds {ledger.since:.3f}"


def metrics(ledger: Ledger) -> str:
    """All metrics in the text format."""
    lines = [*_attempts(ledger), *_latencies(ledger), *_outages(ledger), *_open(ledger)]
    lines += [*_head(_PAUSES, "counter", "Times that the probe's process itself did not run for over 0.1 s.")]
    lines.append(f"{_PAUSES} {ledger.pause_count}")
    lines += [*_head(_PAUSED, "counter", "How long it did not run in these times.")]
    lines.append(f"{_PAUSED} {ledger.pause_ms / 1000:.3f}")
    lines += _process(ledger)
    return "\n".join(lines) + "\n"
