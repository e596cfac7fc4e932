"""Flannel, in a DaemonSet or within k3s."""
