"""The plan on demand: the old CNI as found, and Cilium's values for it with the reason of each."""
