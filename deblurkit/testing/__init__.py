"""Conformance suites that third parties run on their own plugins."""
