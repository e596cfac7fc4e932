"""Phases that strategies share, as component resources; `migration` declares those of the stack's own strategy."""
