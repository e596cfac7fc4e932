"""The hybrid strategy: Cilium beside the old CNI; a CiliumNodeConfig hands it one node's CNI conf at a time."""
