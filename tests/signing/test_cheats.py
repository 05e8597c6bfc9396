"""Ways to cheat a signature: each is told by `verify --key`, and nothing of the bundle is believed before."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bundler.audit import Fault, FaultKind, verify
from bundler.audit.tree import look_through
from bundler.errors import DamagedBundle, NotABundle
from bundler.trees import open_tree
from tests.audit.spoiling.way import Spoiled
from tests.material.signing import PROVENANCE, STATEMENT, envelope_in, line, sealed, sha256, statement, statement_in
from tests.signing.conftest import Signed

NAME = "bundle.intoto.jsonl"
ATTESTATION, ADDED, CONTENT = FaultKind.ATTESTATION, FaultKind.ADDED, FaultKind.CONTENT


@dataclass(frozen=True)
class Cheat:
    """What somebody does to a signed directory, and what is told then."""

    name: str
    do: Callable[[Signed, Spoiled], object]
    kind: FaultKind
    words: str


CHEATS: list[Cheat] = []


def cheat(kind: FaultKind, words: str) -> Callable[[Callable[[Signed, Spoiled], object]], None]:
    """Make what follows a cheat, by its name."""

    def add(do: Callable[[Signed, Spoiled], object]) -> None:
        CHEATS.append(Cheat(do.__name__.replace("_", "-"), do, kind, words))

    return add


def faults(bundle: Path, signed: Signed, signature: str = "") -> tuple[Fault, ...]:
    return verify(bundle, run=False, key=signed.keys.public, signature=signature).faults


def other_code(bundle: Spoiled) -> None:
    """Another module, as an installer of the attacker's would leave it: RECORD and bundle.json agree."""
    path = f"{bundle.site}/data/__init__.py"
    bundle.write(path, b"PRICE = 0\n")
    record = f"{bundle.site}/data-1.0.dist-info/RECORD"
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"PRICE = 0\n").digest()).rstrip(b"=")
    rows = [
        b"data/__init__.py,sha256=" + digest + b",10" if row.startswith(b"data/__init__.py,") else row
        for row in bundle.read(record).splitlines()
    ]
    bundle.write(record, b"\n".join(rows) + b"\n")


def resealed(signed: Signed, bundle: Spoiled, **changes: object) -> None:
    """The signature with other members; what they sign stays."""
    bundle.write(NAME, line({**envelope_in(signed.bundle / NAME), **changes}))


@cheat(CONTENT, "has 10 bytes instead of 0")
def code_changed_with_its_record(_: Signed, bundle: Spoiled) -> None:
    other_code(bundle)


@cheat(ATTESTATION, "is the signature of something else")
def code_changed_with_bundle_json(_: Signed, bundle: Spoiled) -> None:
    other_code(bundle)
    bundle.accept(f"{bundle.site}/data/__init__.py", f"{bundle.site}/data-1.0.dist-info/RECORD")


@cheat(ATTESTATION, "is the signature of something else")
def a_space_in_bundle_json(_: Signed, bundle: Spoiled) -> None:
    bundle.write("bundle.json", bundle.read("bundle.json").replace(b"{", b"{ ", 1))


@cheat(ADDED, "was added after the pack")
def a_file_added(_: Signed, bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/data/more.py", b"")


@cheat(ADDED, "was added after the pack")
def a_package_installed(_: Signed, bundle: Spoiled) -> None:
    """With a RECORD of its own: without a key an installer may have done it."""
    data = b"import os; os.environ['GUEST'] = '1'\n"
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    bundle.write(f"{bundle.site}/guest.pth", data)
    bundle.write(f"{bundle.site}/guest-1.dist-info/METADATA", b"Metadata-Version: 2.1\nName: guest\nVersion: 1\n")
    bundle.write(f"{bundle.site}/guest-1.dist-info/RECORD", f"guest.pth,sha256={digest},{len(data)}\n".encode())


@cheat(CONTENT, "is missing")
def a_package_removed(_: Signed, bundle: Spoiled) -> None:
    for path in [path for path in bundle.manifest["files"] if path.startswith(f"{bundle.site}/data")]:
        bundle.remove(path)


@cheat(CONTENT, "leads to")
def a_link_led_elsewhere(_: Signed, bundle: Spoiled) -> None:
    path = next(path for path, fact in bundle.manifest["files"].items() if "link" in fact)
    bundle.link(path, "../pyvenv.cfg")


@cheat(ATTESTATION, "is not signed: there is no")
def the_signature_gone(_: Signed, bundle: Spoiled) -> None:
    bundle.remove(NAME)


@cheat(ATTESTATION, "is the signature of something else")
def the_signature_of_another_bundle(signed: Signed, bundle: Spoiled) -> None:
    """Such as an older version, which the same key signed; with its name."""
    (signed.bundle / NAME).unlink()
    text = statement({"bundle.json": "0" * 64})
    bundle.write(NAME, line(sealed(text, [signed.keys])))


@cheat(ATTESTATION, "is not signed by the key")
def everything_signed_by_another_key(signed: Signed, bundle: Spoiled) -> None:
    text = statement({"bundle.json": sha256(signed.bundle / "bundle.json")})
    bundle.write(NAME, line(sealed(text, [signed.other])))


@cheat(ATTESTATION, "is not signed by the key")
def another_key_under_the_name_of_the_right_one(signed: Signed, bundle: Spoiled) -> None:
    text = statement({"bundle.json": sha256(signed.bundle / "bundle.json")})
    bundle.write(NAME, line(sealed(text, [signed.other], keyid=signed.keys.fingerprint)))


@cheat(ATTESTATION, "is not signed by the key")
def another_digest_under_the_old_signature(signed: Signed, bundle: Spoiled) -> None:
    other_code(bundle)
    bundle.accept(f"{bundle.site}/data/__init__.py", f"{bundle.site}/data-1.0.dist-info/RECORD")
    said = statement_in(signed.bundle / NAME)
    said["subject"][0]["digest"]["sha256"] = sha256(signed.bundle / "bundle.json")
    resealed(signed, bundle, payload=base64.b64encode(json.dumps(said).encode()).decode())


@cheat(ATTESTATION, "is not signed by the key")
def another_type_under_the_old_signature(signed: Signed, bundle: Spoiled) -> None:
    resealed(signed, bundle, payloadType="application/json")


@cheat(ATTESTATION, "is not signed by the key")
def no_signature_in_the_envelope(signed: Signed, bundle: Spoiled) -> None:
    resealed(signed, bundle, signatures=[])


@cheat(ATTESTATION, "is not signed by the key")
def an_empty_signature(signed: Signed, bundle: Spoiled) -> None:
    resealed(signed, bundle, signatures=[{"keyid": signed.keys.fingerprint, "sig": ""}])


@cheat(ATTESTATION, "is not signed by the key")
def the_bare_payload_signed(signed: Signed, bundle: Spoiled) -> None:
    """Somebody got the key to sign the text itself, in another form than an envelope's."""
    payload = statement({"bundle.json": sha256(signed.bundle / "bundle.json")})
    signature = base64.b64encode(signed.keys.key.sign(payload)).decode()
    value = {
        "payloadType": STATEMENT,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"sig": signature}],
    }
    bundle.write(NAME, line(value))


@cheat(ATTESTATION, "vouches for nothing: what it signs is of the type text/plain")
def a_statement_of_another_type_by_the_right_key(signed: Signed, bundle: Spoiled) -> None:
    text = statement({"bundle.json": sha256(signed.bundle / "bundle.json")})
    bundle.write(NAME, line(sealed(text, [signed.keys], "text/plain")))


@cheat(ATTESTATION, "vouches for nothing: what it tells is of the type https://example.com/scan/v1")
def a_scan_of_the_bundle_by_the_right_key(signed: Signed, bundle: Spoiled) -> None:
    """Whoever signs what a scanner found says nothing of who made the bundle."""
    text = statement({"bundle.json": sha256(signed.bundle / "bundle.json")}, "https://example.com/scan/v1")
    bundle.write(NAME, line(sealed(text, [signed.keys])))


@cheat(ATTESTATION, "vouches for nothing: what it signs is no in-toto statement")
def a_text_that_is_no_statement(signed: Signed, bundle: Spoiled) -> None:
    bundle.write(NAME, line(sealed(b"[]", [signed.keys])))


@cheat(ATTESTATION, "is the signature of something else: it vouches for nothing")
def a_digest_of_another_kind(signed: Signed, bundle: Spoiled) -> None:
    digest = hashlib.sha1((signed.bundle / "bundle.json").read_bytes()).hexdigest()
    bundle.write(NAME, line(sealed(statement({"bundle.json": digest}, PROVENANCE, "sha1"), [signed.keys])))


@cheat(ATTESTATION, "is no signature")
def the_signature_cut_short(_: Signed, bundle: Spoiled) -> None:
    bundle.write(NAME, bundle.read(NAME)[:-200])


@cheat(ATTESTATION, "cannot be read: it is a pipe")
def a_pipe_for_a_signature(signed: Signed, bundle: Spoiled) -> None:
    bundle.remove(NAME)
    os.mkfifo(signed.bundle / NAME)


@cheat(ADDED, "was added after the pack")
def a_link_for_a_signature(signed: Signed, bundle: Spoiled) -> None:
    """To the right one: but a bundle that leads out of itself is none."""
    elsewhere = signed.bundle.with_name("elsewhere.jsonl")
    elsewhere.write_bytes(bundle.read(NAME))
    bundle.link(NAME, "../elsewhere.jsonl")


def test_a_bundle_that_nobody_touched_is_its_makers(signed: Signed) -> None:
    report = verify(signed.bundle, run=False, key=signed.keys.public)
    assert (report.faults, report.added, report.notes) == ((), (), ())
    assert report.signature is not None
    assert (report.signature.path, report.signature.key) == (str(signed.bundle / NAME), signed.keys.fingerprint)
    assert report.signature.builder.startswith("pkg:pypi/relocatable-bundler@")
    assert any(line.startswith(f"signed by the key SHA256:{signed.keys.fingerprint}") for line in report.lines(False))


@pytest.mark.parametrize("cheat", [pytest.param(cheat, id=cheat.name) for cheat in CHEATS])
def test_it_is_told(signed: Signed, spoiled: Spoiled, cheat: Cheat) -> None:
    cheat.do(signed, spoiled)
    found = faults(signed.bundle, signed)
    told = [fault for fault in found if fault.kind is cheat.kind and cheat.words in fault.message]
    assert told, "\n".join(f"{fault.kind.value}: {fault.path}: {fault.message}" for fault in found)
    assert all(fault.hint for fault in found)
    if cheat.kind is ATTESTATION:
        assert len(found) == 1, "nothing else is looked at"


def test_there_are_many_ways() -> None:
    assert len(CHEATS) > 20


@pytest.mark.parametrize("name", ["code-changed-with-its-record", "a-package-installed", "a-package-removed"])
def test_what_an_installer_may_do_without_a_key_is_a_fault_with_one(
    signed: Signed, spoiled: Spoiled, name: str
) -> None:
    next(cheat for cheat in CHEATS if cheat.name == name).do(signed, spoiled)
    assert verify(signed.bundle, run=False).faults == ()
    assert faults(signed.bundle, signed)


def test_additions_may_be_let_pass_and_changes_not(signed: Signed, spoiled: Spoiled) -> None:
    spoiled.write("notes.txt", b"ours\n")
    report = verify(signed.bundle, run=False, key=signed.keys.public, strict=False)
    assert (report.faults, report.added) == ((), ("notes.txt",))
    other_code(spoiled)
    report = verify(signed.bundle, run=False, key=signed.keys.public, strict=False)
    assert {fault.kind for fault in report.faults} == {CONTENT}


def test_bundle_json_is_not_read_before_it_is_vouched_for(signed: Signed, spoiled: Spoiled) -> None:
    """What no manifest is, is an error without a key; with one it is never looked at."""
    spoiled.write("bundle.json", b"[" * 1_000_000)
    with pytest.raises(NotABundle):
        verify(signed.bundle, run=False)
    (fault,) = faults(signed.bundle, signed)
    assert fault.kind is ATTESTATION


def test_bundle_json_that_is_a_link_to_the_signed_one_is_none(signed: Signed, spoiled: Spoiled) -> None:
    signed.bundle.with_name("signed.json").write_bytes(spoiled.read("bundle.json"))
    spoiled.link("bundle.json", "../signed.json")
    with pytest.raises(NotABundle):
        faults(signed.bundle, signed)


def test_bundle_json_that_is_exchanged_meanwhile_is_not_believed(signed: Signed) -> None:
    with pytest.raises(DamagedBundle, match=r"it is not the one that was signed"):
        look_through(open_tree(str(signed.bundle)), signed=frozenset({"0" * 64}))


def test_one_line_that_holds_is_enough(signed: Signed, spoiled: Spoiled) -> None:
    bad = line(sealed(statement({"bundle.json": "0" * 64}), [signed.keys, signed.other]))
    spoiled.write(NAME, bad + b"not even JSON\n" + spoiled.read(NAME))
    assert faults(signed.bundle, signed) == ()


def test_both_keys_of_an_envelope_hold(signed: Signed, spoiled: Spoiled) -> None:
    text = statement({"bundle.json": sha256(signed.bundle / "bundle.json")})
    spoiled.write(NAME, line(sealed(text, [signed.other, signed.keys])))
    assert faults(signed.bundle, signed) == ()
    assert verify(signed.bundle, run=False, key=signed.other.public).faults == ()


def test_an_archive_that_nobody_touched_is_its_makers(signed: Signed) -> None:
    report = verify(signed.archive, key=signed.keys.public)
    assert (report.faults, report.notes) == ((), ())
    assert report.signature is not None
    assert report.signature.path == str(signed.signature)


def unpacked(archive: Path, folder: Path) -> Path:
    folder.mkdir()
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="tar")
    return folder


def appended(archive: Path) -> None:
    with archive.open("ab") as file:
        file.write(bytes(512))


def member_added(archive: Path) -> None:
    (archive.parent / "more.txt").write_text("more")
    with tarfile.open(archive, "a") as file:
        file.add(archive.parent / "more.txt", "more.txt")


def compressed(archive: Path) -> None:
    """The same files: but nobody vouches for what another program made of them."""
    archive.write_bytes(gzip.compress(archive.read_bytes()))


@pytest.mark.parametrize("change", [appended, member_added, compressed])
def test_an_archive_whose_bytes_are_others_is_told(signed: Signed, change: Callable[[Path], None]) -> None:
    change(signed.archive)
    (fault,) = faults(signed.archive, signed)
    assert fault.kind is ATTESTATION
    assert "app.tar" in fault.message and "the archive has" in fault.message


def test_the_signature_of_a_directory_holds_for_no_archive(signed: Signed) -> None:
    (fault,) = faults(signed.archive, signed, signature=str(signed.bundle / NAME))
    assert "it vouches for bundle.json" in fault.message


def test_an_archive_without_its_signature_is_told(signed: Signed) -> None:
    signed.signature.unlink()
    (fault,) = faults(signed.archive, signed)
    assert fault.message == f"is not signed: there is no {signed.signature}"
    assert "--signature" in fault.hint


@pytest.mark.parametrize("place", ["app.d.tar.intoto.jsonl", "app.d.intoto.jsonl", f"app.d/{NAME}"])
def test_an_unpacked_archive_is_held_against_the_archive_s_signature(signed: Signed, place: str) -> None:
    """Beside it, under the archive's name or its own; in it, as a directory has it; or named."""
    folder = unpacked(signed.archive, signed.archive.with_name("app.d"))
    assert faults(folder, signed)[0].message.startswith("is not signed")
    assert faults(folder, signed, signature=str(signed.signature)) == ()
    signed.signature.replace(signed.archive.parent / place)
    assert faults(folder, signed) == ()
    assert faults(Path(f"{folder}/"), signed) == ()


def test_the_signature_in_a_directory_is_no_strangers_file(signed: Signed, tmp_path: Path) -> None:
    """Neither there nor in an archive that somebody makes of it."""
    report = verify(signed.bundle, run=False, strict=True)
    assert (report.faults, report.added) == ((), ())
    assert any("it is signed" in note for note in report.notes)
    with tarfile.open(tmp_path / "by-hand.tar", "w") as file:
        file.add(signed.bundle, "app")
    assert verify(tmp_path / "by-hand.tar").faults == ()
