"""Engines turn lines into rows and rows into rows; they know nothing of tables."""
