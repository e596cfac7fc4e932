"""Write the dashboard: `python -m scripts.monitoring`."""

from pathlib import Path

from scripts.monitoring.dashboard import dashboard

PATH = Path(__file__).parents[2] / "docs" / "monitoring" / "grafana-dashboard.json"

if __name__ == "__main__":
    PATH.write_text(dashboard())
