"""The scheduler's rules as pure functions: which node would take a drained pod's replacement, and why none would."""
