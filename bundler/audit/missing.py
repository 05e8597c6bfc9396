"""Imports that fail for lack of modules that were left out: in the source, too, where it does not find them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from bundler.audit.observation import Batch, LeftBy, Observation, all_failed
from bundler.audit.observing import Subject, observe
from bundler.plan.left_out import LeftOut

_SHOWN = 5


def observe_source(source: Subject, batches: Sequence[Batch], left_out: LeftOut) -> list[Observation]:
    """An observation of each batch in the source, which does not find what was left out. Raises ObserverFailed.

    What then fails, and asked for it, is tried again with more and more of it: so it is known who left out what it needs.
    """
    seen = observe(replace(source, missing=left_out.by_user | left_out.by_profile), batches)
    suspects = [number for number, item in enumerate(seen) if item.failed and item.missed]
    again = {number: tuple(seen[number].failed) for number in suspects}
    without_profile = _failing(replace(source, missing=left_out.by_user), batches, again)
    left = {number: tuple(name for name in names if name in without_profile) for number, names in again.items()}
    itself = _failing(source, batches, left) if left_out.by_user else without_profile
    for number, names in again.items():
        needing = {name: LeftBy.PROFILE for name in names if name not in without_profile}
        needing |= {name: LeftBy.USER for name in left[number] if name not in itself}
        seen[number] = replace(seen[number], needing=needing)
    return seen


def _failing(source: Subject, batches: Sequence[Batch], tried: Mapping[int, tuple[str, ...]]) -> Collection[str]:
    """The modules that the source cannot import, of those that are `tried`, by the numbers of their batches."""
    fewer = [Batch(batches[number].name, names) for number, names in tried.items() if names]
    return all_failed(observe(source, fewer)).keys() if fewer else ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The bundle's failed imports that are no faults."""

    known: Mapping[str, str]
    """Errors of the source, by module: it fails as well, by itself or without what was left out."""
    notes: tuple[str, ...] = ()


def sort_failures(
    failed: Collection[str], source: Sequence[Observation], started: Collection[str], left_out: LeftOut
) -> Failed:
    """What is no fault of the modules that `failed` in the bundle, by what `observe_source` saw.

    What the user leaves out is not there on purpose, nor is what needs it. What a profile leaves out is a guess: a module that
    anybody imports by itself (without a dot, or `started` by a script) and that needs it is at fault, and others are told.
    """
    known = {name: error for name, error in all_failed(source).items() if name in failed}
    needing = {name: who for item in source for name, who in item.needing.items() if name in known}
    faults = {name for name, who in needing.items() if who is LeftBy.PROFILE and ("." not in name or name in started)}
    told = {
        who: {name: known[name] for name, by in needing.items() if by is who and name not in faults} for who in LeftBy
    }
    notes = (
        *_told(told[LeftBy.USER], "--exclude leaves out", left_out.by_user),
        *_told(told[LeftBy.PROFILE], "the profile leaves out", left_out.by_profile),
    )
    return Failed({name: error for name, error in known.items() if name not in faults}, notes)


def _told(failed: Mapping[str, str], who: str, missing: Collection[str]) -> list[str]:
    """A sentence on modules that cannot be imported; their errors name what is missing, as a rule."""
    if not failed:
        return []
    *first, last = sorted(failed)[:_SHOWN]
    names = f"{', '.join(first)} and {last}" if first else last
    if len(failed) > _SHOWN:
        names = f"{', '.join([*first, last])} and {len(failed) - _SHOWN} more"
    named = sorted(name for name in missing if any(repr(name) in error for error in failed.values()))
    return [f"{names} cannot be imported: {who} {', '.join(named) or 'what they need'} (--include takes it back)"]
