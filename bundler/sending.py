"""A plan on its way into a sink: its entries, `bundle.json` behind them, and the signature behind that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bundler.destination import Destination, DirectoryDestination, ToFile
from bundler.entries import size_of
from bundler.machine import os
from bundler.manifest import Manifest
from bundler.plan.make import Plan
from bundler.plan.manifest_entry import manifest_entry, manifest_of
from bundler.plan.signature_entry import archive_signature, signature_entry
from bundler.progress import Progress
from bundler.signing.signer import Signer
from bundler.sinks import Sink, Written
from bundler.sinks.archives.archive import ArchiveSink


class Sent(NamedTuple):
    """What a sink wrote, and what it was told to write into `bundle.json`."""

    written: Written
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Sending:
    """Sends plans to a destination."""

    destination: Destination
    signer: Signer | None
    """What signs them; None where nothing does."""
    progress: Progress

    def send(self, plan: Plan, sink: Sink, import_failures: Mapping[str, str] | None) -> Sent:
        """Send everything to the sink. `import_failures` are what the source cannot import either."""
        self.progress.phase("writing")
        manifests: list[Manifest] = []
        last = [manifest_entry(plan, import_failures, manifests.append)]
        if self.signer is not None and isinstance(self.destination, DirectoryDestination):
            last.append(signature_entry(plan, self.signer, lambda: manifests[-1]))
        self.progress.total(plan.size + sum(size_of(entry.content) for entry in last))
        for entry in (*plan.entries, *last):
            sink.add(entry)
        sent = Sent(sink.finish(), manifests[-1])
        if self.signer is not None and isinstance(sink, ArchiveSink):
            self._sign(plan, sink, sent, self.signer)
        return sent

    def send_again(self, plan: Plan, sink: Sink, written: Written, import_failures: Mapping[str, str] | None) -> Sent:
        """Write `bundle.json` anew into the directory that was written, with other failures, and what signs it."""
        sink.replace(manifest_entry(plan, import_failures))
        manifest = manifest_of(plan, written.digests, import_failures)
        if self.signer is not None:
            sink.replace(signature_entry(plan, self.signer, lambda: manifest))
        return Sent(written, manifest)

    def _sign(self, plan: Plan, sink: ArchiveSink, sent: Sent, signer: Signer) -> None:
        """Sign a finished archive: the file that does so gets its place with it."""
        written, destination = sent.written, self.destination
        assert isinstance(destination, ToFile) and written.place is not None
        name, form = os.path.basename(destination.path), destination.form.name
        sink.accompany(archive_signature(plan, signer, sent.manifest, written.digests, written.place, name, form))
