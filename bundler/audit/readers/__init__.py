"""Two readers of one file: what pyelftools, macholib and pefile read of a binary is held against what the patcher reads of it.

`comparison` has the two questions: `disagreements` (one file, two readers) and `unasked` (a source and the file made of it,
where all that was not asked for is equal). `facts` are what the second reader reads, `elf/`, `macho/` and `pe/` know the formats.
"""
