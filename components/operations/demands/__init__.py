"""Scheduling requirements of pods, and taints of nodes, as the scheduler reads both."""
