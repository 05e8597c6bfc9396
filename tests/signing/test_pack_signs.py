"""`pack --sign`: all or nothing, the same each time, and nothing of the key or of the packing machine comes along."""

from __future__ import annotations

import base64
import getpass
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement

from bundler import PackOptions, pack, verify
from bundler.errors import BadKey, BadOption, LeaksFound, OutputExists, OutputFailed, UnfittingOption
from bundler.keywords import PackKeywords
from bundler.option_names import with_keywords
from bundler.options import Secret
from tests.material.environments import bundler, empty_environment
from tests.material.programs import need
from tests.material.signing import PASSPHRASE, make_keys, sha256, statement_in
from tests.signing.conftest import ENVIRONMENT, Signed

NAME = "bundle.intoto.jsonl"
SUFFIX = ".intoto.jsonl"


class Terminal:
    """Standard input of a person."""

    def isatty(self) -> bool:
        return True


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_signature_changes_nothing_of_what_it_signs(made: Signed, tmp_path: Path) -> None:
    """Who has no key makes the same bundle, and can hold it against the signed one."""
    pack(ENVIRONMENT, tmp_path / "app", made.options)
    assert sha256(tmp_path / "app/bundle.json") == sha256(made.bundle / "bundle.json")
    assert set(names(made.bundle)) - set(names(tmp_path / "app")) == {NAME}
    pack(ENVIRONMENT, tmp_path / "app.tar", made.options)
    assert sha256(tmp_path / "app.tar") == sha256(made.archive)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_two_packs_have_the_same_signature(made: Signed, tmp_path: Path, kind: str) -> None:
    keys = make_keys(tmp_path / "keys", kind)
    found: set[bytes] = set()
    for name in ("one", "another folder"):
        pack(ENVIRONMENT, tmp_path / name / "app.zip", made.options, sign=keys.private, threads=len(found) + 1)
        found.add((tmp_path / name / f"app.zip{SUFFIX}").read_bytes())
    assert len(found) == 1
    assert verify(tmp_path / "one/app.zip", key=keys.public).faults == ()


@pytest.mark.parametrize("name", ["app.tar.gz", "app.tar.zst", "app.run", "app.oci.tar", "app.squashfs"])
def test_every_format_is_signed(made: Signed, tmp_path: Path, name: str) -> None:
    if name.endswith("squashfs"):
        need("mksquashfs")
    report = pack(ENVIRONMENT, tmp_path / name, made.options, sign=made.keys.private)
    assert report.signature is not None
    assert report.signature.path == f"{tmp_path / name}{SUFFIX}"
    assert names(tmp_path) == [name, name + SUFFIX]
    audit = verify(tmp_path / name, key=made.keys.public)
    assert [fault for fault in audit.faults if fault.kind.value == "attestation"] == []
    assert audit.signature is not None
    said = statement_in(tmp_path / (name + SUFFIX))
    assert [subject["name"] for subject in said["subject"]] == [name, "bundle.json"]
    assert said["subject"][0]["digest"]["sha256"] == sha256(tmp_path / name)


def test_what_is_signed_tells_how_it_was_made_and_nothing_of_the_machine(made: Signed) -> None:
    said = statement_in(made.signature)
    assert said["predicateType"] == "https://slsa.dev/provenance/v1"
    definition, details = said["predicate"]["buildDefinition"], said["predicate"]["runDetails"]
    assert definition["externalParameters"]["format"] == "tar"
    assert definition["externalParameters"]["options"] == {}
    assert definition["internalParameters"]["platform"]["machine"] == "x86_64"
    uris = [material["uri"] for material in definition["resolvedDependencies"]]
    assert uris[0].startswith("pkg:generic/python@3.")
    assert uris[1:] == ["pkg:pypi/data@1.0", "pkg:pypi/tool@1.0"]
    assert details["builder"]["id"] == "pkg:pypi/relocatable-bundler"
    text = json.dumps(said)
    for own in (str(made.root), str(made.keys.private), getpass.getuser(), socket.gethostname()):
        assert len(own) < 5 or own not in text, own
    assert "metadata" not in details, "no time, and no name of this run"


def test_in_toto_s_own_types_take_the_statement_and_its_provenance(made: Signed) -> None:
    """Every member is one that they know, and none is missing that they ask for."""
    statement = json_format.ParseDict(statement_in(made.signature), statement_pb2.Statement())
    Statement.copy_from_pb(statement).validate()
    predicate = json_format.MessageToDict(statement.predicate)
    provenance = json_format.ParseDict(predicate, provenance_pb2.Provenance())
    for material in provenance.build_definition.resolved_dependencies:
        ResourceDescriptor.copy_from_pb(material).validate()
    assert provenance.run_details.builder.id == "pkg:pypi/relocatable-bundler"
    assert len(provenance.build_definition.resolved_dependencies) == 3


def test_a_key_that_does_not_open_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(BadKey):
        pack(tmp_path / "no environment", tmp_path / "out", sign=tmp_path / "no key")
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["out", "out.tar"])
def test_a_signature_that_fails_leaves_nothing(
    made: Signed, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise OutputFailed("the key broke")

    monkeypatch.setattr("bundler.signing.signer.Signer.attestation", fail)
    with pytest.raises(OutputFailed, match="the key broke"):
        pack(ENVIRONMENT, tmp_path / name, made.options, sign=made.keys.private)
    assert names(tmp_path) == []


def test_a_signature_that_stands_there_is_replaced_by_force_alone(made: Signed, tmp_path: Path) -> None:
    keys = made.keys.private
    (tmp_path / f"app.tar{SUFFIX}").write_text("{}\n")
    with pytest.raises(OutputExists, match=r"app\.tar\.intoto\.jsonl exists"):
        pack(ENVIRONMENT, tmp_path / "app.tar", made.options, sign=keys)
    assert names(tmp_path) == [f"app.tar{SUFFIX}"]
    with pytest.raises(OutputExists, match=r"app\.tar\.intoto\.jsonl exists"):
        pack(ENVIRONMENT, tmp_path / "app.tar", made.options, sign=keys, dry_run=True)
    pack(ENVIRONMENT, tmp_path / "app.tar", made.options, sign=keys, force=True)
    assert verify(tmp_path / "app.tar", key=made.keys.public).faults == ()
    assert (tmp_path / f"app.tar{SUFFIX}").read_bytes().count(b"\n") == 1


def test_a_signature_that_is_no_plain_file_is_not_replaced(made: Signed, tmp_path: Path) -> None:
    (tmp_path / f"app.tar{SUFFIX}").symlink_to("elsewhere")
    with pytest.raises(OutputExists, match=r"is no plain file"):
        pack(ENVIRONMENT, tmp_path / "app.tar", made.options, sign=made.keys.private, force=True)


def test_standard_output_has_no_place_for_a_signature(made: Signed) -> None:
    with pytest.raises(UnfittingOption, match=r"--sign has no place"):
        pack(ENVIRONMENT, "-", made.options, format="tar", sign=made.keys.private)


@pytest.mark.parametrize("name", ["app", "app.tar"])
def test_the_report_tells_the_whole_path_of_the_signature(
    made: Signed, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report = pack(ENVIRONMENT, name, made.options, sign=made.keys.private)
    assert report.signature is not None
    assert report.signature.path == str(tmp_path / ("app/bundle.intoto.jsonl" if name == "app" else f"app.tar{SUFFIX}"))
    assert f"{report.signature.key} (Ed25519): {report.signature.path}" in report.signature.text


def test_a_dry_run_opens_the_key_and_writes_nothing(made: Signed, tmp_path: Path) -> None:
    for name in ("app", "app.tar"):
        report = pack(ENVIRONMENT, tmp_path / name, made.options, sign=made.keys.private, dry_run=True)
        assert report.signature is None
    with pytest.raises(BadKey):
        pack(ENVIRONMENT, tmp_path / "app", made.options, sign=tmp_path / "none", dry_run=True)
    assert names(tmp_path) == []


def test_an_update_signs_anew_what_changed_and_takes_a_signature_away_that_holds_no_more(
    made: Signed, tmp_path: Path
) -> None:
    out = tmp_path / "app"
    pack(ENVIRONMENT, out, made.options, sign=made.keys.private)
    report = pack(ENVIRONMENT, out, made.options, sign=made.keys.private, update=True)
    assert report.updated == (0, 0)
    (tmp_path / "more.txt").write_text("more")
    report = pack(ENVIRONMENT, out, made.options, sign=made.keys.private, update=True, add=[tmp_path / "more.txt"])
    assert report.updated == (3, 0), "the file, bundle.json and what signs that"
    assert verify(out, run=False, key=made.keys.public).faults == ()
    report = pack(ENVIRONMENT, out, made.options, update=True)
    assert f"{out} was signed before, and is not any more: --sign KEY signs it again" in report.notes
    assert not (out / NAME).exists()
    pack(ENVIRONMENT, out, made.options, sign=made.keys.private, force=True)
    assert verify(out, run=False, key=made.keys.public).faults == ()


def test_an_archive_that_is_packed_again_without_a_key_is_told_of_its_old_signature(
    made: Signed, tmp_path: Path
) -> None:
    out = tmp_path / "app.tar"
    pack(ENVIRONMENT, out, made.options, sign=made.keys.private)
    (tmp_path / "more.txt").write_text("more")
    report = pack(ENVIRONMENT, out, made.options, update=True, add=[tmp_path / "more.txt"])
    assert any("signs another archive than this one" in note for note in report.notes)
    (fault,) = verify(out, key=made.keys.public).faults
    assert "is the signature of something else" in fault.message


def test_an_environment_that_becomes_a_bundle_is_signed_inside(made: Signed, tmp_path: Path) -> None:
    environment = empty_environment(tmp_path / "env")
    report = pack(environment, in_place=True, profile="slim", verify=False, sign=made.keys.private)
    assert report.signature is not None and report.signature.path == str(environment / NAME)
    assert verify(environment, run=False, key=made.keys.public).faults == ()


def test_a_signed_bundle_that_is_packed_again_leaves_its_signature_behind(made: Signed, tmp_path: Path) -> None:
    pack(made.bundle, tmp_path / "again", probe=False, verify=False)
    assert not (tmp_path / "again" / NAME).exists()
    assert NAME not in json.loads((tmp_path / "again/bundle.json").read_bytes())["files"]


def test_nobody_adds_a_signature_of_his_own(made: Signed, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("{}")
    with pytest.raises(BadOption, match=r"bundle\.intoto\.jsonl is bundler's own"):
        pack(ENVIRONMENT, tmp_path / "out", made.options, add=[f"{tmp_path}/mine={NAME}"])


def test_the_key_never_comes_along(made: Signed, tmp_path: Path) -> None:
    """Whatever is allowed."""
    keys = make_keys(tmp_path / "keys")
    with pytest.raises(LeaksFound, match=r"etc/ed25519\.pem is the key that signs the bundle"):
        pack(
            ENVIRONMENT,
            tmp_path / "out",
            made.options,
            sign=keys.private,
            leaks="allow",
            add=[f"{keys.private}=etc/ed25519.pem"],
        )
    assert names(tmp_path) == ["keys"]


def test_nothing_secret_is_said_or_written(made: Signed, tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys", passphrase=PASSPHRASE)
    keys.private.chmod(0o644)
    words: list[str | Path] = ["pack", ENVIRONMENT, "--root", made.root, "--no-verify", "-v", "--sign", keys.private]
    done = bundler([*words, "--out", tmp_path / "out"], {"BUNDLER_SIGN_PASSPHRASE": PASSPHRASE})
    assert done.returncode == 0, done.stderr
    assert f"warning: others than its owner may read the key that signs: chmod 600 {keys.private}" in done.stderr
    secret = keys.key.private_bytes_raw()
    forms = [PASSPHRASE.encode(), secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"=")]
    forms.append(keys.private.read_bytes().splitlines()[1])
    written = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    said = [done.stdout.encode(), done.stderr.encode()]
    assert [form for form in forms for data in (*written, *said) if form in data] == []
    assert str(tmp_path / "keys").encode() not in (tmp_path / "out/bundle.json").read_bytes()


def test_an_encrypted_key_without_its_passphrase_is_an_error(made: Signed, tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys", passphrase=PASSPHRASE)
    for passphrase, words in (("", "there is no passphrase"), ("wrong", "does not open it")):
        done = bundler(
            ["pack", ENVIRONMENT, "--root", made.root, "--out", tmp_path / "out", "--sign", keys.private],
            {"BUNDLER_SIGN_PASSPHRASE": passphrase},
        )
        assert done.returncode == 1
        assert words in done.stderr and "Traceback" not in done.stderr
    assert names(tmp_path) == ["keys"]


def test_a_passphrase_as_a_value_is_not_shown() -> None:
    text: Any = PASSPHRASE
    options = PackOptions(passphrase=text)
    assert options.passphrase == Secret(PASSPHRASE)
    assert PASSPHRASE not in repr(options)
    with pytest.raises(BadOption) as error:
        with_keywords(PackOptions(), {"passphrase": PASSPHRASE})
    assert PASSPHRASE not in f"{error.value} {error.value.hint}"
    assert "passphrase" not in PackKeywords.__annotations__


def test_a_person_at_a_terminal_is_asked_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And for none that the key does not need, or that the variable has."""
    from bundler.cli.pack import with_passphrase

    keys, plain = make_keys(tmp_path, passphrase=PASSPHRASE), make_keys(tmp_path / "plain")
    asked: list[dict[str, Any]] = []

    def prompt(_: str, **words: Any) -> str:
        asked.append(words)
        return PASSPHRASE

    monkeypatch.setattr("click.prompt", prompt)
    monkeypatch.setattr("sys.stdin", Terminal())
    locked = PackOptions(sign=str(keys.private))
    assert with_passphrase(locked).passphrase == Secret(PASSPHRASE)
    assert with_passphrase(PackOptions(sign=str(plain.private))).passphrase == Secret()
    monkeypatch.setenv("BUNDLER_SIGN_PASSPHRASE", PASSPHRASE)
    assert with_passphrase(locked).passphrase == Secret()
    assert asked == [{"hide_input": True, "err": True}]


def test_a_configuration_names_the_key_and_no_passphrase(made: Signed, tmp_path: Path) -> None:
    """A relative path counts from the file's folder."""
    project = tmp_path / "project"
    keys = make_keys(project / "keys")
    config = project / "pyproject.toml"
    config.write_text('[tool.bundler]\nsign = "keys/ed25519.pem"\nprofile = "slim"\n')
    words: list[str | Path] = ["pack", ENVIRONMENT, "--root", made.root, "--config", config, "--no-verify"]
    done = bundler([*words, "--out", tmp_path / "signed"])
    assert done.returncode == 0, done.stderr
    assert verify(tmp_path / "signed", run=False, key=keys.public).signature is not None
    done = bundler([*words, "--out", tmp_path / "unsigned", "--sign", ""])
    assert done.returncode == 0 and not (tmp_path / "unsigned" / NAME).exists()
    config.write_text('[tool.bundler]\npassphrase = "x"\n')
    done = bundler([*words, "--out", tmp_path / "none"])
    assert done.returncode == 2
    assert "passphrase, which is no option of pack" in done.stderr


@pytest.mark.everything
def test_bundle_json_that_the_audit_has_written_anew_is_the_one_that_is_signed(made: Signed, tmp_path: Path) -> None:
    """It tells what the source cannot import either: known only when the bundle has been tried."""
    environment = empty_environment(tmp_path / "env")
    (packages,) = environment.glob("lib/python3*/site-packages")
    (packages / "broken.py").write_text("raise ImportError('on purpose')\n")
    for name in ("app", "app.tar"):
        report = pack(environment, tmp_path / name, profile="slim", sign=made.keys.private)
        assert report.faults == 0
        assert set(report.manifest.import_failures or {}) == {"broken"}
        assert verify(tmp_path / name, run=False, key=made.keys.public).faults == ()


def test_verify_on_the_command_line_has_statuses_and_json(signed: Signed) -> None:
    words: list[str | Path] = ["verify", signed.archive, "--key"]
    done = bundler([*words, signed.keys.public, "--json"])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["signature"]["key"] == signed.keys.fingerprint
    done = bundler([*words, signed.other.public, "--json"])
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert [fault["kind"] for fault in found["faults"]] == ["attestation"]
    assert found["signature"] is None and found["files"] == 0
    cases: list[tuple[list[str | Path], int, str]] = [
        ([*words, signed.signature], 1, "is no public key"),
        ([*words, signed.keys.public, "--signature", "/no/file"], 1, "the signature /no/file cannot be read"),
        (["verify", signed.archive, "--signature", signed.signature], 2, "--signature needs --key"),
    ]
    for more, status, says in cases:
        done = bundler(more)
        assert (done.returncode, says in done.stderr) == (status, True), done.stderr
    with pytest.raises(BadOption, match="signature says nothing without key"):
        verify(signed.archive, signature=signed.signature)
