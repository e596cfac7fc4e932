"""Simulated nodes: their machines, kubelet, pods, commands and probes."""
