"""What a bundle's files tell of who made it, sorted: what is the maker's own, what is published anyway, what may pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Protocol

from bundler.audit.reports import FoundLeak, LeakReport, LeakStatus
from bundler.audit.seen_files import SeenFile
from bundler.audit.tree import BundleTree
from bundler.leaks.findings import NAMES, Trace
from bundler.leaks.kind_of_file import FileKind
from bundler.leaks.places import Name, Place
from bundler.leaks.rules import WORDS, AllowedLeaks
from bundler.leaks.scanner import Search
from bundler.machine.maker import Maker
from bundler.plan.filters import module_of
from bundler.trees import MANIFEST


class PublishedFiles(Protocol):
    """Which files hold nothing that is not published anyway (`plan.published`)."""

    def is_published(self, path: str, sha256: str) -> bool:
        """Whether the file at a bundle path, with this digest (hexadecimal), is one of them."""


def search_for(prefixes: Iterable[str], maker: Maker | None) -> Search:
    """What is looked for: `prefixes`, paths of the source; and all that tells of a maker, where one is given."""
    places = [Place(Trace.PREFIX, prefix) for prefix in prefixes]
    if maker is None:
        return Search(tuple(places), credentials=False)
    places += [Place(Trace.HOME, maker.home)] if maker.home else []
    names = ((Trace.USER, maker.user), (Trace.HOST, maker.host))
    return Search(tuple(places), tuple(Name(trace, name) for trace, name in names if name))


def leaks_of(tree: BundleTree, published: PublishedFiles | None, allowed: AllowedLeaks) -> LeakReport:
    """What was found in the files of a bundle that was read."""
    found: list[FoundLeak] = []
    prefixes: dict[FileKind, list[str]] = {kind: [] for kind in FileKind}
    telling = [(path, seen) for path, seen in tree.every_file.items() if seen.traces is not Trace.NOTHING]
    for path, seen in sorted(telling, key=itemgetter(0)):
        if Trace.PREFIX in seen.traces and not allowed.allows(path, WORDS[Trace.PREFIX]):
            prefixes[seen.kind].append(path)
        found += _named(path, seen, tree, published, allowed)
        found += _credentials(path, seen, tree, published, allowed)
    texts = sorted(prefixes[FileKind.TEXT] + prefixes[FileKind.UTF_16])
    binaries = sorted(prefixes[FileKind.BINARY] + prefixes[FileKind.COMPILED])
    return LeakReport(tuple(texts), tuple(prefixes[FileKind.PYC]), tuple(binaries), tuple(found), allowed.unused)


def _named(
    path: str, seen: SeenFile, tree: BundleTree, published: PublishedFiles | None, allowed: AllowedLeaks
) -> Iterator[FoundLeak]:
    """Names of people and machines. A path of the source tells the home folder that it lies in; compiled modules are counted."""
    for trace, what in NAMES.items():
        told = trace is Trace.HOME and (Trace.PREFIX in seen.traces or seen.kind is FileKind.PYC)
        if trace in seen.traces and not told:
            status = _status(path, seen, tree, published, allowed, WORDS[trace])
            yield FoundLeak(path, WORDS[trace], status, what=what)


def _credentials(
    path: str, seen: SeenFile, tree: BundleTree, published: PublishedFiles | None, allowed: AllowedLeaks
) -> Iterator[FoundLeak]:
    source = tree.files.get(module_of(path) or "")
    for credential in seen.credentials:
        # What a module's source has its compiled form has, too: it is told once.
        if source is not None and any(other.kind == credential.kind for other in source.credentials):
            continue
        status = _status(path, seen, tree, published, allowed, WORDS[Trace.CREDENTIAL], credential.kind)
        yield FoundLeak(
            path, credential.kind, status, credential.line, credential.offset, credential.shown, is_credential=True
        )


def _status(
    path: str, seen: SeenFile, tree: BundleTree, published: PublishedFiles | None, allowed: AllowedLeaks, *kinds: str
) -> LeakStatus:
    source = module_of(path) or ""
    place, file = (source, tree.files[source]) if source in tree.files else (path, seen)
    if path != MANIFEST and published is not None and published.is_published(place, file.sha256):
        return LeakStatus.PUBLISHED
    return LeakStatus.ALLOWED if allowed.allows(path, *kinds) else LeakStatus.OWN
