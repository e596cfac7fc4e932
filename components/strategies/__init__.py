"""The work of each strategy on a cluster: its phases' resources, the steps of a turn, the signs of how far it is."""
