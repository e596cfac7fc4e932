"""What docs/monitoring holds for Grafana, written from the names of the probe's metrics."""
