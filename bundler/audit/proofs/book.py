"""The import proofs that are known while an environment is packed: those of earlier packs, and those of this one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from bundler.audit.observation import Batch
from bundler.audit.observing import Subject, observer_script
from bundler.audit.proofs.encoding import decoded, encoded
from bundler.audit.proofs.proof import Facts, ImportProof
from bundler.machine import os
from bundler.memory.imports import NO_IMPORTS_CACHE, ImportsCache
from bundler.systems import System

_KEPT = 3  # proofs of one batch
_RULES = 2  # one more whenever what a proof means has changed
# What a shell changes from one command to the next, or from one window to another; no import depends on it.
_FLEETING = frozenset(
    [
        "_",
        "COLUMNS",
        "LINES",
        "OLDPWD",
        "PWD",
        "SHLVL",
        "SSH_AUTH_SOCK",
        "SSH_CLIENT",
        "SSH_CONNECTION",
        "SSH_TTY",
        "TERM_SESSION_ID",
        "TMUX",
        "TMUX_PANE",
        "WINDOWID",
        "XDG_SESSION_ID",
    ]
)


class ProofBook:
    """Proofs by their batches, the latest first: a directory and an archive of one environment differ in what is compiled."""

    def __init__(self, cache: ImportsCache = NO_IMPORTS_CACHE) -> None:
        self._cache = cache
        self._read = False
        self._proofs: dict[tuple[str, Batch], list[ImportProof]] = {}
        self._asked: tuple[str, tuple[Batch, ...]] = ("", ())

    def known(self, rules: str, batches: tuple[Batch, ...], facts: Facts) -> dict[Batch, ImportProof]:
        """Those of batches that need not be tried again under these `rules` (see `rules_of`).

        Nothing that they depend on has changed.
        """
        self._read_cache()
        self._asked = rules, batches
        found = {}
        for batch in batches:
            proofs = self._proofs.get((rules, batch), [])
            proof = next((proof for proof in proofs if proof.holds(facts)), None)
            if proof is not None:
                found[batch] = proof
                proofs.remove(proof)
                proofs.insert(0, proof)
        return found

    def learn(self, rules: str, proofs: Iterable[ImportProof]) -> None:
        """Note what was proved."""
        for proof in proofs:
            self._proofs.setdefault((rules, proof.batch), []).insert(0, proof)

    def keep(self) -> None:
        """Leave the latest proofs of the batches that were asked for last to the next pack, and no others."""
        rules, batches = self._asked
        if batches:
            rows = [proof for batch in batches for proof in self._proofs.get((rules, batch), ())[:_KEPT]]
            self._cache.learn(rules.encode() + encoded(rows) if rows else b"")

    def _read_cache(self) -> None:
        if self._read:
            return
        self._read = True
        known, size = self._cache.known, hashlib.sha256().digest_size * 2
        try:
            rules, proofs = known[:size].decode(), decoded(known[size:]) if known else []
        except (ValueError, TypeError, KeyError, IndexError):
            return  # as good as none
        self.learn(rules, reversed(proofs))


def rules_of(source: Subject, bundle: Subject, system: System, *, hidden: bool) -> str:
    """What proofs have in common: how it is tried, and what this machine gives to every process. Hexadecimal, 64 digits.

    `hidden` tells whether the source is out of the bundle's reach.
    """
    machine = os.uname()
    told = [
        _RULES,
        hidden,
        observer_script(),
        [machine.sysname, machine.nodename, machine.release, machine.machine],
        [_stamp(path) for path in system.machine_files],
        [_described(subject) for subject in (source, bundle)],
        source.python,
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _described(subject: Subject) -> list[object]:
    variables = {name: value for name, value in subject.variables.items() if name not in _FLEETING}
    # A library that comes into one of these folders is found before others.
    searched = [
        [_stamp(folder) for folder in value.split(os.pathsep)]
        for name, value in sorted(variables.items())
        if name.endswith("LIBRARY_PATH")
    ]
    return [subject.observer, variables, searched, subject.folder]


def _stamp(path: str) -> list[int]:
    try:
        facts = os.stat(path)
    except OSError:
        return []
    return [facts.st_ino, facts.st_size, facts.st_mtime_ns]
