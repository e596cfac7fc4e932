"""What runs inside the lab's namespaces, with nothing but Python's standard library."""
