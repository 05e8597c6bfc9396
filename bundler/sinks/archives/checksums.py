"""The CRC-32 of bytes of which only the parts' checksums are known.

A CRC is the remainder of a polynomial over GF(2), so that crc(AB) = crc(A) * x^(8 * len(B)) + crc(B), modulo the polynomial of
CRC-32 (RFC 1952, section 8), bits reversed. The power is multiplied together from those whose exponents are powers of two.
"""

from __future__ import annotations

from functools import cache

_POLYNOMIAL = 0xEDB88320  # bits reversed, without the highest term
_ONE = 1 << 31  # the polynomial 1: the lowest term is the highest bit


def combined(first: int, second: int, length: int) -> int:
    """The CRC-32 of two parts one behind the other, from that of each; `length` is the second's, in bytes."""
    return _product(_shift(length), first) ^ second


@cache  # most parts of an archive have one of a few lengths
def _shift(length: int) -> int:
    """x to the power of 8 * `length`."""
    power = _ONE
    exponent = 3
    while length:
        if length & 1:
            power = _product(_square_power(exponent), power)
        length >>= 1
        exponent += 1
    return power


@cache
def _square_power(exponent: int) -> int:
    """x to the power of 2 ** `exponent`."""
    if exponent == 0:
        return _ONE >> 1
    root = _square_power(exponent - 1)
    return _product(root, root)


def _product(one: int, other: int) -> int:
    """Two polynomials multiplied, modulo that of CRC-32."""
    result = 0
    for _ in range(32):
        if one & _ONE:
            result ^= other
        one = (one << 1) & 0xFFFFFFFF
        other = (other >> 1) ^ (_POLYNOMIAL if other & 1 else 0)
    return result
