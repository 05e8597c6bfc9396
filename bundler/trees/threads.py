"""Many small things done by several threads."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bundler.machine import os

Item = TypeVar("Item")
Result = TypeVar("Result")
_TOGETHER = 32  # items that a thread is given at once: to hand over one costs as much as to read a small file


def in_threads(items: Iterable[Item], do: Callable[[Item], Result]) -> list[tuple[Item, Result]]:
    """Each item with what `do` gave for it, in their order; as many at once as there are processors.

    What `do` raises comes through.
    """

    def do_all(batch: list[Item]) -> list[tuple[Item, Result]]:
        return [(item, do(item)) for item in batch]

    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="look") as pool:
        return list(itertools.chain.from_iterable(pool.map(do_all, _batches(iter(items)))))


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    while batch := list(itertools.islice(items, _TOGETHER)):
        yield batch
