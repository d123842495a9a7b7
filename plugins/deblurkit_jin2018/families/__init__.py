"""The four loss families of the paper."""
