"""The lab: a real Kubernetes cluster of several nodes on one Linux machine, in namespaces, with no container engine."""
