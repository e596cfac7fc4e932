"""The names under which everything of ours is found on a cluster."""

NAMESPACE = "cni-live-migration"
PREFIX = "cni-live-migration"
