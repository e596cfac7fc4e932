"""API permissions that each phase needs, and those that the user lacks."""
