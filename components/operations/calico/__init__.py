"""Calico's objects in either API group, and its autodetection of nodes' addresses."""
