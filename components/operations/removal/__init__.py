"""Removal of the old CNI: its objects, its leftovers on nodes, and the objects in `cleanup.remove`."""
