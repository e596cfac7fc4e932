"""Checks of networks: the old CNI's, Cilium's, addresses, encryption, policies, and the ways into pods."""
