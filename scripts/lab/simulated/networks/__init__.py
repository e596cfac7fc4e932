"""The networks of simulated nodes: Flannel, Cilium, CNI confs, and which pods reach each other."""
