"""ELF: read with pyelftools (`reading`), held against the patcher's reading (`agreement`) and against a source (the others)."""
