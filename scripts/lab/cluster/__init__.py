"""The lab's cluster: a supervisor with the lab's network, a control plane, and nodes in namespaces of their own."""
