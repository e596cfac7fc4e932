"""The images that a migration pulls, for a cluster that cannot reach every registry."""
