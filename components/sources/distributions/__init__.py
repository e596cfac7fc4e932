"""Distributions of Kubernetes and managed services: their marks, and how each handles its own CNI."""
