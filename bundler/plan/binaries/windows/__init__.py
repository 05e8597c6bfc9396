"""plan/binaries/windows."""
