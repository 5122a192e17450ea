"""The calls that pass through all layers: load and replay, each followed by gold."""
