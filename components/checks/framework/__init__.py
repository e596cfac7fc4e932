"""The framework of checks: their definition, what they may look at, and their findings."""
