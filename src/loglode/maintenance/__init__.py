"""Maintenance of a lake's tables."""
