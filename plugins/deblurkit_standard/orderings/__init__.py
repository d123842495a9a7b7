"""Orderings: which way each training clip runs."""
