"""Flows between probes: short attempts and long connections."""
