"""PE: read with pefile (`reading`), held against the patcher's reading (`agreement`) and against a source (`changes`)."""
