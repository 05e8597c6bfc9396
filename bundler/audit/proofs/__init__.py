"""Import proofs: what was seen when modules were imported, in the source and in the bundle, and all that this depends on.

Where nothing of that has changed, a later pack need not import them again. `parts` cuts a bundle into what a process may depend on,
`proof` says what one does depend on, `book` keeps the proofs, `encoding` writes them down.
"""
