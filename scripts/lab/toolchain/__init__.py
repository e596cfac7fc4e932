"""Builds every program of the lab from the Go module proxy, once per version and machine."""
