"""A page of what is inside a bundle: one HTML file that needs nothing beside it. docs/page.md says how to read it."""

from bundler.page.rendering import render

__all__ = ["render"]
