"""Where an entry came from, in words that name nothing of this machine: how each origin begins."""

from __future__ import annotations

ENVIRONMENT = "env:"
BASE = "base:"
HOST = "host:"
"""Elsewhere in the root that the environment lives in."""
ADDED = "added:"
"""The user's own files, by `--add`."""
PROJECT = "project:"
"""The project of an editable install."""
BUNDLER = "bundler"
"""Made by bundler itself: the whole origin."""
