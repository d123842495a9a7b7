"""How data sets of footage lie in folders: names and headers only, no pixels."""
