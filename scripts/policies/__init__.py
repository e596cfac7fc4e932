"""Prints the inventory of a cluster's network policies on demand."""
