"""The place of Cilium's Helm chart, as inputs of a Release."""

from pathlib import Path

from stacks.sections.cilium import CiliumSettings


def _is_path_or_registry(chart: str) -> bool:
    return chart.startswith("oci://") or chart.endswith(".tgz") or Path(chart).is_dir()


def chart_of(cilium: CiliumSettings) -> dict[str, object]:
    """Where the chart comes from, as the provider's inputs have it."""
    if _is_path_or_registry(cilium.chart):
        return {"chart": cilium.chart}
    return {
        "chart": cilium.chart,
        "version": cilium.version,
        "repositoryOpts": {"repo": cilium.repository},
    }
