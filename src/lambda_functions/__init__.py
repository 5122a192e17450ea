"""Thin entry points for AWS Lambda."""
