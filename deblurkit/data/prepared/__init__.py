"""Footage cut into clips once, in a folder that can be handed on: shards and a manifest."""
