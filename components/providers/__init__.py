"""Dynamic providers: each a thin create, update, diff, read and delete around an operation.

Class and module names are kept in stacks' states: an engine finds a provider again by them, so they stay as they are.
"""
