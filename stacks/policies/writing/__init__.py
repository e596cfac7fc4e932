"""Policies for Cilium made from the model, and those that the old engine needs meanwhile."""
