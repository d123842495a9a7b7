"""Loss terms in general use, and the order-invariant one of this project."""
