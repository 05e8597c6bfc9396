"""systems/macos."""
