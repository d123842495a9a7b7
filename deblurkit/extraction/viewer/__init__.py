"""The page that plays one extraction."""
