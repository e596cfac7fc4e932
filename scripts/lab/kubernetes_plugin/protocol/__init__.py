"""The engine's side of the plugin: its protocol, tokens, values and messages."""
