"""Networks in general use."""
