"""Policies of Kubernetes and Calico, read into one model for both engines."""
