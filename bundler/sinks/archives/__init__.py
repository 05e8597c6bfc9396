"""Bundles in one file."""
