"""The live view of a migration, from the cluster alone."""
