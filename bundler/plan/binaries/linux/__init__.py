"""plan/binaries/linux."""
