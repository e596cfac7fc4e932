"""The rooms of each strategy: its phases' resources, its recipe of a node's turn, and the signs of how far it is."""
