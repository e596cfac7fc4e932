"""The Grafana dashboard of a migration."""

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    Dashboard,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, VariableOption, VariableRefresh, VariableSort

from scripts.monitoring import queries as ask
from scripts.monitoring.panels import (
    ALL_IS_GOOD,
    NONE_IS_GOOD,
    PLAIN,
    SOURCE,
    bars,
    figure,
    graph,
    heat,
    listing,
    square,
)
from scripts.monitoring.queries import attempts, chosen, increase, rate

_KIND, _NODE = "{{kind}}", "{{node}}"


def _variable(name: str, query: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .label(name.capitalize())
        .datasource(SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def _frame() -> Dashboard:
    every = VariableOption(selected=True, text="All", value="$__all")
    return (
        Dashboard("Migration of the CNI to Cilium")
        .uid("cni-live-migration")
        .description("Losses of the probe's flows between nodes, to a Service, the name server and the API server.")
        .tags(["cni", "cilium", "kubernetes"])
        .time("now-1h", "now")
        .refresh("10s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_variable("namespace", ask.NAMESPACES))
        .with_variable(
            _variable("node", ask.NODES).multi(multi=True).include_all(include_all=True).all_value(".*").current(every)
        )
        .annotation(
            AnnotationQuery().name("Alerts").datasource(SOURCE).expr(ask.ALERTS).enable(enable=True).icon_color("red")
        )
    )


def _at_a_glance(page: Dashboard) -> None:
    whole = "$__range"
    for panel in (
        figure(
            "Answered",
            "Of all attempts that were not cut by a planned end.",
            ask.success(over=whole),
            unit="percentunit",
            decimals=4,
            none="no traffic",
            thresholds=ALL_IS_GOOD,
        ),
        figure(
            "Failed",
            "Attempts that were not answered and should have been.",
            increase(attempts("failed"), over=whole),
            unit="short",
            thresholds=NONE_IS_GOOD,
        ),
        figure(
            "Outages under way",
            "Flows that get no answer now; a pod's planned end may yet explain one.",
            f"sum({chosen('cni_probe_open_outages')})",
            unit="short",
            thresholds=NONE_IS_GOOD,
        ),
        figure(
            "Longest outage at most",
            "No outage that nothing explains was longer than this bound of the histogram.",
            ask.longest_loss(),
            unit="s",
            decimals=2,
            none="none",
            thresholds=NONE_IS_GOOD,
        ),
        figure(
            "Probes",
            "Pods that were read.",
            f"count({chosen('cni_probe_pauses_total')})",
            unit="short",
            thresholds=PLAIN,
            span=4,
        ),
    ):
        page.with_panel(panel)


def _traffic(page: Dashboard) -> None:
    page.with_row(Row("Traffic"))
    page.with_panel(
        graph(
            "Answered, by kind",
            "The share of attempts that were answered.",
            ask.success(by="kind"),
            legend=_KIND,
            unit="percentunit",
            span=12,
        ).max(1)
    )
    page.with_panel(
        bars(
            "Failed, by kind",
            "While an outage lasts, its failures are counted after 10 s: until then a planned end may explain them.",
            increase(attempts("failed"), by="kind"),
            legend=_KIND,
            span=12,
        )
    )
    page.with_panel(
        graph(
            "Attempts, by kind",
            "What is sent: where nothing is sent, nothing can fail.",
            rate(attempts(".*"), by="kind"),
            legend=_KIND,
            unit="ops",
            span=12,
        )
    )
    page.with_panel(
        bars(
            "Outages under way, by kind",
            "Flows that get no answer.",
            f"sum by (kind) ({chosen('cni_probe_open_outages')})",
            legend=_KIND,
            span=12,
        )
    )


def _latency(page: Dashboard) -> None:
    page.with_row(Row("Latency"))
    for title, quantile in (("Median", 0.5), ("99 of 100", 0.99)):
        page.with_panel(
            graph(
                f"{title}, by kind",
                "Up to 1.5 ms of it is the probe's own wait.",
                ask.latency(quantile),
                legend=_KIND,
                unit="s",
                span=8,
            )
        )
    page.with_panel(
        heat(
            "All kinds",
            "How many attempts took how long.",
            increase(chosen("cni_probe_latency_seconds_bucket"), by="le"),
            unit="s",
            span=8,
        )
    )


def _outages(page: Dashboard) -> None:
    page.with_row(Row("Outages"))
    for title, cause, text in (
        ("Lost", "lost", "Times without an answer that nothing explains."),
        ("Planned", "planned", "Times without an answer that a pod's planned end or a stopped process explains."),
    ):
        page.with_panel(bars(f"{title}, by kind", text, ask.outages(cause), legend=_KIND, span=8))
    page.with_panel(
        bars(
            "Length, by cause",
            "Seconds without an answer of the outages that ended then, all flows together.",
            increase(chosen("cni_probe_outage_seconds_sum"), by="cause"),
            legend="{{cause}}",
            unit="s",
            span=8,
        )
    )


def _pairs(page: Dashboard) -> None:
    page.with_row(Row("Node pairs"))
    page.with_panel(
        square(
            "Failed, from node to node",
            "Attempts between pods: from the node of the row to that of the column.",
            ask.matrix(),
            row="node",
            column="target_node",
            span=12,
        )
    )
    page.with_panel(
        listing(
            "By kind, node and target",
            "What is not one pod - a Service, the name server, the API server - has no target node.",
            {"failed": ask.pairs("failed"), "planned": ask.pairs("planned"), "answered": ask.pairs("answered")},
            sort_by="failed",
            span=12,
        )
    )


def _probe(page: Dashboard) -> None:
    page.with_row(Row("The probe itself"))
    for panel in (
        bars(
            "Pauses, by node",
            "Times of over 0.1 s in which the probe itself did not run: it saw nothing then.",
            increase(chosen("cni_probe_pauses_total"), by="node"),
            legend=_NODE,
            span=8,
        ),
        graph(
            "Time that it did not run, by node",
            "The share of these pauses in all time.",
            rate(chosen("cni_probe_paused_seconds_total"), by="node"),
            legend=_NODE,
            unit="percentunit",
            span=8,
        ),
        graph(
            "Age, by node",
            "Of the probe that stays on the node. A fall is a new one: the node was in its turn then.",
            ask.age(),
            legend=_NODE,
            unit="s",
            span=8,
        ),
        graph(
            "Processor, by node",
            "Cores.",
            rate(chosen("process_cpu_seconds_total"), by="node"),
            legend=_NODE,
            unit="short",
            span=12,
        ),
        graph(
            "Memory, by node",
            "Of the largest probe there; a pod may have 64 MiB.",
            f"max by (node) ({chosen('process_resident_memory_bytes')})",
            legend=_NODE,
            unit="bytes",
            span=12,
        ),
    ):
        page.with_panel(panel)


def dashboard() -> str:
    """The dashboard as the JSON that Grafana imports."""
    page = _frame()
    for part in (_at_a_glance, _traffic, _latency, _outages, _pairs, _probe):
        part(page)
    built = page.build()
    for number, panel in enumerate(built.panels or [], 1):
        panel.id_val = number
    return JSONEncoder(indent=2).encode(built) + "\n"
