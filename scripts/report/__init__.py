"""The report of a migration for the change ticket, as HTML and JSON: from the stack, the cluster and the probe."""
