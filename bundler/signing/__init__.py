"""Signatures of bundles: who packed a bundle says so of its `bundle.json`, which holds the digest of every file.

`keys` reads keys and signs bytes; `envelope` is DSSE, which carries what is signed; `statement` is in-toto's, which says of
subjects what a predicate tells; `provenance` is the predicate, SLSA's; `signer` makes all of it of a bundle, and `proving` holds a
bundle against it. Nothing of what is read is believed before its signature was found to be that of a given key.
"""
