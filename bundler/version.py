"""The version of bundler itself, as its distribution's metadata has it."""

from __future__ import annotations

VERSION = "0.1.0"
