"""Pods of this program: scripts on nodes, refusals by the API server, and starting pods."""
