"""Checks of the cluster as a whole: rights, versions, distribution, control plane, systems that act on nodes."""
