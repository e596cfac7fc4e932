"""Helm releases as resources, by the helm program."""
