"""Kubernetes objects as resources: server-side apply, differences, readiness."""
