"""Whole environments, packed and run where their originals are out of reach."""
