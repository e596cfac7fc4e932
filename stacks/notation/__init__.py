"""Notations of Kubernetes in texts: labels, objects, quantities, images; parsed and checked."""
