"""Shared code of the dynamic providers: their base class, the engine's process, and a stack's config and cluster."""
