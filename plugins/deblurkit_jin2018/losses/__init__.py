"""Loss terms of the paper."""
