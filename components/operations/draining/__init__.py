"""Draining of a node as `kubectl drain` does it: plan, evictions, replacements, cordons and autoscaler holds."""
