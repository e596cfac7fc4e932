"""Generates the Grafana dashboard of docs/monitoring from the names of the probe's metrics."""
