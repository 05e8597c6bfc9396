"""Every parser of what others wrote, given bytes that nobody should write: a result, or an error that says why not; in time.

`targets` is the table; `test_fuzzing` runs it for seconds, `scripts/fuzz` for hours.
"""
