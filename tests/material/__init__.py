"""Real material for tests: interpreters, environments, bare roots, hidden folders, snapshots."""
