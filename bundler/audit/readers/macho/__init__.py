"""Mach-O: read with macholib (`reading`), held against the patcher's reading (`agreement`) and against a source (the others)."""
