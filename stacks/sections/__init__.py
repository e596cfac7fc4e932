"""Sections of the stack config, each with its settings, defaults and errors."""
