"""Checks of the nodes that move, of their waves, and of the pods on them."""
