"""Checks of the way from phase to phase and back: gates, Cilium's release and agents, what cleanup removes."""
