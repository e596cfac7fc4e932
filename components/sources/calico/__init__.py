"""Calico, installed by its manifests or by its operator."""
