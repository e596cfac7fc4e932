"""The live view of a migration, read from the cluster only."""
