"""sinks/archives."""
