"""sinks/directories."""
