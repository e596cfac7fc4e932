"""Programs that run inside the lab's namespaces, using only Python's standard library."""
