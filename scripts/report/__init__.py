"""The report of a migration: one page and JSON for the change ticket, from what stack, cluster and probe say."""
