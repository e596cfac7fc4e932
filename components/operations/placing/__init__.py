"""The scheduler's rules as pure functions: the node for a drained pod's replacement, or the reasons for none."""
