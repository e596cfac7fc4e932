"""A real Kubernetes cluster of several nodes on one Linux machine, in namespaces, without a container engine."""
