"""Addresses that objects name beside those of nodes and pods: external servers, requested ones, direct endpoints."""
