"""RBAC roles for the user of the kubeconfig, one file a phase: `python -m scripts.rbac`."""
