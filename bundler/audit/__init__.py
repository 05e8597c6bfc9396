"""Prove a finished bundle: a static audit that runs nothing, then a run check that imports its modules."""

from __future__ import annotations

from bundler.audit.alone import run_alone, runner_of
from bundler.audit.contents import audit_contents
from bundler.audit.reports import AuditReport, FoundLeak, LeakReport, LeakStatus, RunReport
from bundler.audit.run_check import NOT_IMPORTED
from bundler.audit.second_reading import audit_changed_binaries, in_folder
from bundler.audit.static import audit_static, system_of_bundle, target_of_bundle
from bundler.audit.strangers import BY_FORM, leaks_by_form
from bundler.audit.tree import read_tree
from bundler.audit.unpacker import audit_unpacker
from bundler.environment.unpacked import check_folder_or_archive, no_bundle
from bundler.errors import BadOption, DamagedBundle
from bundler.faults import Fault, FaultKind
from bundler.keywords import StrPath
from bundler.machine import os
from bundler.option_kinds import member_of, path_of, switch_of, text_of
from bundler.options import AuditDepth
from bundler.signing.keys import read_public_key
from bundler.signing.proving import SignatureReport, check_signature, signature_files
from bundler.systems.targets import target_named
from bundler.trees import extracted

__all__ = [
    "AuditReport",
    "Fault",
    "FaultKind",
    "FoundLeak",
    "LeakReport",
    "LeakStatus",
    "RunReport",
    "SignatureReport",
    "verify",
]


def verify(
    bundle: StrPath,
    *,
    run: bool | None = None,
    strict: bool | None = None,
    audit: AuditDepth | str = AuditDepth.FULL,
    depth: AuditDepth | str | None = None,
    runner: str = "",
    target: str = "",
    key: StrPath = "",
    signature: StrPath = "",
) -> AuditReport:
    """Audit a bundle, a directory or an archive. Nothing of it is run unless the static part passes.

    Without `run` directories are run, and archives, which may be anybody's, are not. An archive is read as it is; only to be run it
    is extracted, for as long as that takes. What is built for another machine is not run where that has no emulator, and a note
    says so. With `strict`, what was added after the pack is a fault; so it is with a `key`, unless `strict` is False. `audit` says
    what is imported; `depth` is its former name. `runner` is a command of this machine that runs the bundle's programs (`wine64`,
    an emulator): then an archive is run, too. `target` names a system (`debian11`), by default that which it was packed for: what
    keeps the bundle from running there is a fault. An archive that is damaged has one fault, which says so.

    `key` is the file of a public key: nothing in the bundle is believed unless that has signed it, and an installer's changes are
    faults. `signature` is the file that says so, where it lies neither in the bundle nor beside it.

    Raises NotABundle, UnsupportedBundle; BadOption for a wrong argument; BadKey, ExtraMissing, SignatureUnreadable.
    """
    bundle = path_of("bundle", bundle)
    strict = bool(key) if strict is None else switch_of("strict", strict)
    run = None if run is None else switch_of("run", run)
    runner, target = text_of("runner", runner), text_of("target", target)
    depth = member_of("audit", AuditDepth, audit if depth is None else depth)
    if target:
        target_named(target)  # a wrong name is told before a large bundle is read
    signed = _signed(bundle, key, signature)
    if isinstance(signed, Fault):
        return AuditReport((signed,), 0)
    digests = signed.digests if signed is not None else None
    try:
        tree = read_tree(bundle, BY_FORM, with_symbols=True, signed=digests)
    except DamagedBundle as damage:
        fault = Fault(FaultKind.CONTENT, "", damage.message, damage.hint)
        return AuditReport((fault,), 0)
    system = system_of_bundle(tree)
    contents = audit_contents(tree, system, strict=strict, exactly=strict or signed is not None)
    held_against, notes = target_of_bundle(tree, target)
    opener = in_folder(tree.root) if os.path.isdir(bundle) else None
    static = audit_static(tree, system, held_against, opener)
    faults, notes = [*static.faults, *contents.faults], [*static.notes, *notes]
    if opener is not None:
        faults += audit_changed_binaries(tree, opener)
    if tree.in_archive:
        unpacker = audit_unpacker(bundle, tree, system)
        faults += unpacker.faults
        notes += unpacker.notes
    report = None
    words = runner_of(runner)
    is_run = (os.path.isdir(bundle) or bool(words)) if run is None else run
    is_sound = all(fault.kind is FaultKind.TARGET for fault in faults)
    if is_run and not is_sound:
        notes.append(NOT_IMPORTED)
    if is_run and is_sound:
        with extracted(bundle) as folder:
            place = os.path.realpath(folder)
            if tree.in_archive:
                faults += audit_changed_binaries(tree, in_folder(place))
            tried = run_alone(tree, place, system, depth, words)
            faults += tried.faults
            notes += tried.notes
            report = tried.report
    name = held_against.name if held_against is not None else ""
    notes = [*contents.notes, *notes]
    if signed is None and os.path.lexists(next(signature_files(bundle))):
        notes.append("it is signed: --key FILE holds it against a public key")
    leaks = leaks_by_form(tree)
    return AuditReport(tuple(faults), len(tree.files), contents.added, tuple(notes), report, name, leaks, signed)


def _signed(bundle: str, key: StrPath, signature: StrPath) -> SignatureReport | Fault | None:
    """What a key says of a bundle, of which nothing was read yet; None without a key.

    Raises BadKey, ExtraMissing, SignatureUnreadable, NotABundle; BadOption for a signature without a key.
    """
    if not key:
        if signature:
            raise BadOption("signature says nothing without key", "key is the public key of who packed the bundle")
        return None
    public = read_public_key(path_of("key", key))
    check_folder_or_archive(bundle)
    try:
        return check_signature(bundle, public, path_of("signature", signature) if signature else "")
    except OSError as error:
        raise no_bundle(bundle) from error
