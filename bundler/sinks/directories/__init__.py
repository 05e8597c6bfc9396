"""Bundles in directories: new ones, ones that are brought up to date, ones in the place of their environment."""
