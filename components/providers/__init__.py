"""Dynamic providers: each a thin create, update, diff, read and delete around an operation.

Stacks' states contain the class and module names, by which the engine finds a provider again: never rename them.
"""
