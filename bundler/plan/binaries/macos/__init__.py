"""plan/binaries/macos."""
