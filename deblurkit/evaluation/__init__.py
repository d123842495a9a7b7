"""Scores of frames and sequences."""
