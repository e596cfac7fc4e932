"""Prints the plan on demand: the detected old CNI, and Cilium's values for it, each with its reason."""
