"""Both sides of a comparison: what processes of the source and of the bundle had, as far as it is not known from earlier packs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from bundler.audit.cage import CageKind, cages_are_allowed
from bundler.audit.comparison import Sides, differs
from bundler.audit.compiled_modules import CompiledModules
from bundler.audit.missing import observe_source
from bundler.audit.observation import Batch, Observation, all_failed, merged
from bundler.audit.observing import Subject, clean_variables
from bundler.audit.origins import Origins
from bundler.audit.proofs.book import ProofBook, rules_of
from bundler.audit.proofs.parts import Parts
from bundler.audit.proofs.proof import Facts, ImportProof, proof_of, relocated, stamps
from bundler.audit.run_check import Hidden, RunCheck, run_check
from bundler.audit.tree import BundleTree
from bundler.bundle_paths import NOWHERE, BundleRoot
from bundler.entries import Entry
from bundler.plan.left_out import NOTHING_LEFT_OUT, LeftOut
from bundler.systems import System


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it, batch by batch on both sides. Where nothing was observed `check` tells why."""

    check: RunCheck
    root: BundleRoot
    """Where the bundle lay."""
    source: tuple[Observation, ...] = ()
    proven: Collection[int] = ()
    """The numbers of the batches that are known from earlier."""

    @property
    def known(self) -> int:
        """The number of modules of these."""
        return len({module for number in self.proven for module in self.check.batches[number].modules})


class Trial:
    """Tries the batches of one bundle, and of its source."""

    def __init__(
        self, tree: BundleTree, source: Subject, system: System, book: ProofBook, left_out: LeftOut = NOTHING_LEFT_OUT
    ) -> None:
        """What was `left_out` of the bundle the source does not find either."""
        bundle = Subject(tree.manifest.python.executable, system.observer, clean_variables())
        self._tree, self._source, self._system, self._book = tree, source, system, book
        self._left_out = left_out
        self._facts = Facts(Parts(tree), stamps(), left_out)
        self._hidden = cages_are_allowed()
        self._rules = rules_of(source, bundle, system, hidden=self._hidden)

    def known(self, batches: tuple[Batch, ...], sides: Sides) -> dict[Batch, ImportProof]:
        """What need not be tried: nothing that it depends on has changed.

        What would be at fault by now is tried: other libraries come along, and are hidden, than when it was proved, perhaps.
        """
        sides = replace(sides, root=NOWHERE)
        found = self._book.known(self._rules, batches, self._facts)
        return {
            batch: proof
            for batch, proof in found.items()
            if not differs(proof.source, proof.bundle, sides, proven=True)
        }

    def recall(self, batches: tuple[Batch, ...], known: Mapping[Batch, ImportProof]) -> Tried:
        """The outcome where all is known."""
        kind = CageKind.HIDDEN if self._hidden else CageKind.MAPS_ONLY
        proofs = [known[batch] for batch in batches]
        check = RunCheck(batches, tuple(proof.bundle for proof in proofs), kind)
        return Tried(check, NOWHERE, tuple(proof.source for proof in proofs), range(len(batches)))

    def run(
        self,
        batches: tuple[Batch, ...],
        known: Mapping[Batch, ImportProof],
        place: str,
        hidden: Hidden,
        entries: Sequence[Entry],
        origins: Origins,
    ) -> Tried:
        """Try all that is not known in the folder `place`, and in the source. Raises ObserverFailed.

        `entries` are the bundle's, and `origins` tells what they come from.
        """
        root = BundleRoot(place)
        fresh = tuple(batch for batch in batches if batch not in known)
        with CompiledModules() as compiled:
            compiled.seed(entries)
            observed = self._observe_source(fresh, compiled)
            compiled.hand_over(origins, place)
            expected = all_failed(observed)
            check = run_check(self._tree, place, self._system, fresh, hidden, expected, compiled=compiled.bundle)
        if not check.observations:
            return Tried(replace(check, batches=batches), root)
        before = dict(zip(fresh, observed, strict=True))
        after = dict(zip(fresh, check.observations, strict=True))
        for batch, proof in known.items():
            before[batch] = proof.source
            after[batch] = relocated(proof.bundle, NOWHERE, root)
        return Tried(
            replace(check, batches=batches, observations=tuple(after[batch] for batch in batches)),
            root,
            tuple(before[batch] for batch in batches),
            frozenset(number for number, batch in enumerate(batches) if batch in known),
        )

    def _observe_source(self, batches: Sequence[Batch], compiled: CompiledModules) -> list[Observation]:
        """Try the source. What fails with code that was compiled for the bundle fails only if it does so with its own, too."""
        seen = observe_source(replace(self._source, compiled=compiled.source), batches, self._left_out)
        suspects = [number for number, item in enumerate(seen) if item.failed] if compiled.is_seeded else []
        if suspects:
            again = [Batch(batches[number].name, tuple(seen[number].failed)) for number in suspects]
            own = observe_source(replace(self._source, compiled=compiled.own), again, self._left_out)
            for number, item in zip(suspects, own, strict=True):
                seen[number] = replace(merged([item, seen[number]]), failed=item.failed, needing=item.needing)
        return seen

    def learn(self, tried: Tried, sides: Sides) -> None:
        """Note the batches that were tried, and were no other ones in the bundle than in the source."""
        rows = zip(tried.check.batches, tried.source, tried.check.observations, strict=True)
        proofs = (
            proof_of(batch, before, after, tried.root, self._facts)
            for number, (batch, before, after) in enumerate(rows)
            if number not in tried.proven and not differs(before, after, sides)
        )
        self._book.learn(self._rules, (proof for proof in proofs if proof is not None))
