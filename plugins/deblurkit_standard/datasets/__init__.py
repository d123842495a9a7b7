"""Datasets: rendered, photographs in motion, footage."""
