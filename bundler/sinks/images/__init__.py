"""sinks/images."""
