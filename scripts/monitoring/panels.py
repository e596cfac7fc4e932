"""Kinds of panels of the dashboard."""

from collections.abc import Mapping

from grafana_foundation_sdk.builders import common as looks
from grafana_foundation_sdk.builders import heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.common import (
    BigValueGraphMode,
    GraphDrawStyle,
    SortOrder,
    StackingMode,
    TableColoredBackgroundCellOptions,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    MatcherConfig,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_HEIGHT = 8


def _query(expression: str, *, legend: str = "", letter: str = "A") -> prometheus.Dataquery:
    return prometheus.Dataquery().datasource(SOURCE).expr(expression).legend_format(legend).ref_id(letter)


def _steps(*steps: tuple[float | None, str]) -> ThresholdsConfig:
    found = [Threshold(value=value, color=color) for value, color in steps]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(found)


# Prometheus extrapolates between a counter's samples: one failure can look like a little less than one.
NONE_IS_GOOD = _steps((None, "green"), (0.5, "red"))
ALL_IS_GOOD = _steps((None, "red"), (0.999, "orange"), (1, "green"))
PLAIN = _steps((None, "blue"))


def figure(
    title: str,
    text: str,
    expression: str,
    *,
    unit: str,
    thresholds: ThresholdsConfig,
    decimals: int = 0,
    none: str = "0",
    span: int = 5,
) -> stat.Panel:
    """One number for the whole time range."""
    return (
        stat.Panel()
        .title(title)
        .description(text)
        .datasource(SOURCE)
        .with_target(_query(expression).instant())
        .unit(unit)
        .decimals(decimals)
        .no_value(none)
        .thresholds(thresholds)
        .reduce_options(looks.ReduceDataOptions().calcs(["lastNotNull"]))
        .graph_mode(BigValueGraphMode.NONE)
        .height(4)
        .span(span)
    )


def graph(title: str, text: str, expression: str, *, legend: str, unit: str, span: int) -> timeseries.Panel:
    """Lines over time."""
    return (
        timeseries.Panel()
        .title(title)
        .description(text)
        .datasource(SOURCE)
        .with_target(_query(expression, legend=legend).range())
        .unit(unit)
        .min(0)
        .line_width(1)
        .legend(looks.VizLegendOptions().show_legend(show_legend=True))
        .tooltip(looks.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
        .height(_HEIGHT)
        .span(span)
    )


def bars(title: str, text: str, expression: str, *, legend: str, unit: str = "short", span: int) -> timeseries.Panel:
    """Bars with counts for each interval, stacked."""
    return (
        graph(title, text, expression, legend=legend, unit=unit, span=span)
        .draw_style(GraphDrawStyle.BARS)
        .fill_opacity(80)
        .stacking(looks.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    )


def heat(title: str, text: str, buckets: str, *, unit: str, span: int) -> heatmap.Panel:
    """A histogram over time."""
    return (
        heatmap.Panel()
        .title(title)
        .description(text)
        .datasource(SOURCE)
        .with_target(_query(buckets, legend="{{le}}").format(PromQueryFormat.HEATMAP).range())
        .calculate(calculate=False)
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").steps(64))
        .height(_HEIGHT)
        .span(span)
    )


def _cells(field: MatcherConfig) -> tuple[MatcherConfig, list[DynamicConfigValue]]:
    return field, [DynamicConfigValue("custom.cellOptions", TableColoredBackgroundCellOptions())]


def _table(title: str, text: str, *, span: int) -> table.Panel:
    return (
        table.Panel()
        .title(title)
        .description(text)
        .datasource(SOURCE)
        .decimals(0)
        .thresholds(NONE_IS_GOOD)
        .filterable(filterable=True)
        .height(_HEIGHT + 4)
        .span(span)
    )


def square(title: str, text: str, expression: str, *, row: str, column: str, span: int) -> table.Panel:
    """A table of one number by two labels."""
    across = {"rowField": row, "columnField": column, "valueField": "Value"}
    panel = _table(title, text, span=span).with_target(_query(expression).format(PromQueryFormat.TABLE).instant())
    panel.with_transformation(DataTransformerConfig("groupingToMatrix", options=across))
    return panel.with_override(*_cells(MatcherConfig("byType", "number")))


def listing(title: str, text: str, columns: Mapping[str, str], *, sort_by: str, span: int) -> table.Panel:
    """A table of the labels and one column for each expression; the column that it is sorted by is coloured."""
    panel = _table(title, text, span=span)
    names = {}
    for letter, (name, expression) in zip("ABCDEF", columns.items(), strict=False):
        panel.with_target(_query(expression, letter=letter).format(PromQueryFormat.TABLE).instant())
        names[f"Value #{letter}"] = name
    panel.with_transformation(DataTransformerConfig("merge", options={}))
    shown = {"excludeByName": {"Time": True}, "renameByName": names}
    panel.with_transformation(DataTransformerConfig("organize", options=shown))
    panel.sort_by([looks.TableSortByFieldState().display_name(sort_by).desc(desc=True)])
    return panel.with_override(*_cells(MatcherConfig("byName", sort_by)))
