"""Frame scores."""
