"""systems/windows."""
