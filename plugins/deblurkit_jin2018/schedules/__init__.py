"""The training orders of the paper."""
