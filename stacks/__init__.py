"""Pure planning: typed stack config, phases, waves, Helm values. Nothing here talks to a cluster or an engine."""
