"""A Kubernetes control plane on loopback ports, with simulated nodes: real API behaviour without real machines."""
