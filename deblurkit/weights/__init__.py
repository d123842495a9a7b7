"""Bundles of weights: where they are found, what they say of themselves, whether they work."""
