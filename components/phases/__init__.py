"""The phases of the migration as component resources, one a file; `migration` puts them together."""
