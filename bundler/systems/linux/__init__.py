"""systems/linux."""
