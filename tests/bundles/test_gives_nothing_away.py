"""What would tell the bundle's receiver of its maker is refused, removed or told, and is never printed."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

import bundler
from bundler.errors import LeaksFound
from bundler.machine.maker import Maker, this_maker
from bundler.report import PackReport
from bundler.report_lines import as_lines
from tests.material import environments, secrets
from tests.material.environments import empty_environment
from tests.material.installed import install, site_packages
from tests.material.snapshots import snapshot

ZOE = Maker("/home/zoe7", "zoe7", "calliope")
SMALL: dict[str, Any] = {
    "profile": "slim",
    "exclude": ["/lib/python3*/*/"],
    "include": ["/lib/python3*/site-packages/", "/lib/python3*/lib-dynload/"],
    "readme": False,
    "verify": False,
}
"""For packs that nothing is run of."""


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """One to be added to."""
    return empty_environment(tmp_path / "env")


@pytest.fixture
def token(chosen: random.Random) -> str:
    return secrets.with_crc32("gh" + "p_", secrets.letters(chosen, 30))


@pytest.fixture(autouse=True)
def zoe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody with a name packs, and has a cache of their own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("bundler.audit.against_source.this_maker", lambda: ZOE)


def pack(environment: Path, leaks: str | None = "warn", **options: Any) -> PackReport:
    return bundler.pack(environment, environment.parent / "app", leaks=leaks, force=True, **{**SMALL, **options})


def found(report: PackReport) -> list[tuple[str, str, str]]:
    """Name of the file, kind and status of each leak."""
    assert report.leaks is not None
    return [(os.path.basename(leak.path), leak.kind, leak.status.value) for leak in report.leaks.found]


def warnings(report: PackReport) -> list[str]:
    return [line for line in as_lines(report, verbose=False) if line.startswith("warning: ")]


def app(environment: Path, text: str, name: str = "settings.py", url: str = "file:///home/zoe7/app") -> None:
    install(environment, "app", {"app/__init__.py": "", f"app/{name}": text}, url=url)


def refused(environment: Path, leaks: str | None = "refuse", **options: Any) -> LeaksFound:
    """The error of a pack that leaves nothing behind, and what was there as it was."""
    before = snapshot(*environment.parent.glob("app"))
    with pytest.raises(LeaksFound) as caught:
        pack(environment, leaks, **options)
    assert snapshot(*environment.parent.glob("app")) == before
    assert {path.name for path in environment.parent.iterdir()} <= {"app", "env", "cache"}
    return caught.value


def test_a_credential_of_the_maker_s_own_is_refused_unless_it_may_pass(environment: Path, token: str) -> None:
    """The plain command, audit included, and the update that repeats it."""
    app(environment, f"\nTOKEN = '{token}'\n")
    out = environment.parent / "app"
    command: list[str | Path] = ["pack", environment, "--out", out, "--audit", "quick"]
    done = environments.bundler(command)
    assert done.returncode == 1
    place = f"lib/{site_packages(environment).parent.name}/site-packages/app/settings.py"
    assert f"{place}:2: github-token (ghp_…)" in done.stderr
    assert "--allow-leak" in done.stderr and token[5:] not in done.stderr + done.stdout
    assert not out.exists()
    done = environments.bundler([*command, "--allow-leak", place, "-v"])
    assert done.returncode == 0, done.stderr
    assert token[5:] not in done.stderr
    assert "what --allow-leak lets pass:" in done.stderr.splitlines()
    (environment / "more.txt").write_text("more")
    done = environments.bundler([*command, "--update", "--no-verify"])
    assert done.returncode == 0, done.stderr
    assert (out / "more.txt").exists()


@pytest.mark.everything
def test_an_archive_with_a_credential_is_never_begun(environment: Path, token: str) -> None:
    app(environment, f"TOKEN = '{token}'\n")
    with pytest.raises(LeaksFound):
        bundler.pack(environment, environment.parent / "app.tar.gz", **{**SMALL, "verify": True, "audit": "quick"})
    assert {path.name for path in environment.parent.iterdir()} <= {"env", "cache"}


@pytest.mark.everything
def test_each_mode_does_what_it_says(environment: Path, token: str) -> None:
    app(environment, f"TOKEN = '{token}'\nPLACE = '/home/zoe7/data'\n")
    assert "settings.py:1: github-token" in refused(environment).message
    assert "settings.py: home folder" in refused(environment).message
    report = pack(environment, "warn")
    assert found(report) == [("settings.py", "home", "own"), ("settings.py", "github-token", "own")]
    assert any("credential" in line and "settings.py:1" in line for line in warnings(report))
    assert any("your home folder is in" in line for line in warnings(report))
    assert not any(token[5:] in text for text in (*warnings(report), json.dumps(report.to_dict())))
    report = pack(environment, "allow", verify=True, audit="quick")
    assert report.leaks is not None and report.leaks.found == ()
    report = pack(environment, None, verify=True, audit="quick", allow_leak=["settings.py"])
    assert {status for _, _, status in found(report)} == {"allowed"}


def test_what_an_index_published_is_told_to_who_asks_and_not_refused(environment: Path, token: str) -> None:
    install(environment, "tornado", {"tornado/test/key.py": f"KEY = '{token}'\nAUTHOR = 'zoe7'\n"})
    report = pack(environment, "refuse")
    assert found(report) == [("key.py", "github-token", "published")]
    assert not any("key.py" in line for line in warnings(report))
    assert any("key.py:1: github-token" in line for line in as_lines(report, verbose=True))
    # What was changed after it was installed is nobody's but its maker's.
    place = site_packages(environment) / "tornado/test/key.py"
    place.write_text(place.read_text() + "#\n")
    assert "key.py:1" in refused(environment).message


@pytest.mark.everything
def test_what_no_distribution_lists_is_the_maker_s(environment: Path, token: str) -> None:
    (site_packages(environment) / "local.py").write_text(f"TOKEN = '{token}'\n")
    assert "local.py:1: github-token" in refused(environment).message


@pytest.mark.everything
def test_a_compiled_module_is_told_where_its_source_is_not(environment: Path, token: str) -> None:
    app(environment, f"TOKEN = '{token}'\n")
    package = site_packages(environment) / "app"
    environments.run([environment / "bin/python", "-m", "compileall", "-q", package])
    assert [name for name, kind, _ in found(pack(environment)) if kind == "github-token"] == ["settings.py"]
    next(package.glob("__pycache__/settings.*.pyc")).rename(package / "settings.pyc")
    (package / "settings.py").unlink()
    report = pack(environment, allow_incomplete=True)
    assert [name for name, kind, _ in found(report) if kind == "github-token"] == ["settings.pyc"]


def test_an_env_file_and_a_private_key_in_package_data_are_refused(environment: Path, chosen: random.Random) -> None:
    app(environment, "DB_PASSWORD=k7Qz-9vLm2\n", ".env")
    (site_packages(environment) / "app/server.pem").write_bytes(
        secrets.armoured("RSA PRIVATE", secrets.rsa_key(chosen))
    )
    message = refused(environment).message
    assert "app/.env:1: assigned-secret" in message and "app/server.pem:1: private-key" in message
    assert "k7Qz" not in message


@pytest.mark.everything
@pytest.mark.parametrize(
    ("mode", "options"),
    [("refuse", {"out": "-"}), ("refuse", {"dry_run": True}), (None, {}), (None, {"dry_run": True})],
)
def test_without_an_audit_only_who_asks_is_told(
    environment: Path, token: str, mode: str | None, options: dict[str, Any], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    app(environment, f"TOKEN = '{token}'\n")
    if mode is None:
        assert pack(environment, None, **options).leaks is None
        return
    out = options.pop("out", environment.parent / "app")
    more = {"format": "tar"} if out == "-" else {}
    with pytest.raises(LeaksFound):
        bundler.pack(environment, out, leaks=mode, **{**SMALL, **options, **more})
    assert capfdbinary.readouterr().out == b""


def test_a_url_loses_its_password_and_record_agrees(environment: Path, token: str) -> None:
    places = {
        "one": (f"https://zoe:{token}@corp.net/one.whl", "https://corp.net/one.whl"),
        "two": (f"https://{token}@corp.net/two.whl?token={token}&x=1", "https://corp.net/two.whl?x=1"),
        "three": ("ssh://git@corp.net/three.git", "ssh://git@corp.net/three.git"),
        "four": ("https://${NAME}:${WORD}@corp.net/four.whl", "https://${NAME}:${WORD}@corp.net/four.whl"),
    }
    for name, (url, _) in places.items():
        install(environment, name, {f"{name}.py": ""}, url=url)
    report = pack(environment, "refuse")
    site = site_packages(environment.parent / "app")
    for name, (_, clean) in places.items():
        assert json.loads((site / f"{name}-1.0.dist-info/direct_url.json").read_text())["url"] == clean
    told = [line for line in report.warnings if "without the credentials" in line]
    assert [name in line for name, line in zip(("one", "two"), sorted(told), strict=True)]
    assert not any(token[5:] in path.read_text(errors="replace") for path in site.rglob("*") if path.is_file())
    assert bundler.verify(environment.parent / "app", run=False).faults == ()


@pytest.mark.everything
def test_pip_s_configuration_loses_its_passwords_unless_they_may_pass(environment: Path, token: str) -> None:
    text = f"[global]\nindex-url = https://zoe:{token}@corp.net/simple\nextra-index-url = https://corp.net/more\n"
    (environment / "pip.conf").write_text(text)
    pack(environment, "refuse")
    assert (environment.parent / "app/pip.conf").read_text() == text.replace(f"zoe:{token}@", "")
    assert (environment / "pip.conf").read_text() == text
    pack(environment, "refuse", allow_leak=["pip.conf"])
    assert (environment.parent / "app/pip.conf").read_text() == text


@pytest.mark.everything
def test_files_of_a_person_s_tools_stay_out_and_in_place_they_are_refused(environment: Path, token: str) -> None:
    (environment / ".netrc").write_text(f"machine corp.net login zoe password {token}\n")
    (environment / ".ssh").mkdir()
    (environment / ".ssh/config").write_text("Host corp.net\n")
    report = pack(environment, "refuse")
    assert [line.partition(",")[0] for line in report.warnings if "person's own tools" in line] == [
        ".netrc",
        ".ssh/config",
    ]
    assert not (environment.parent / "app/.netrc").exists() and not (environment.parent / "app/.ssh").exists()
    assert (environment / ".netrc").exists()
    with pytest.raises(LeaksFound):
        bundler.pack(
            environment, in_place=True, **{**SMALL, "verify": True, "audit": "quick", "exclude": [], "include": []}
        )
    assert (environment / ".netrc").exists() and (environment / "pyvenv.cfg").read_text().startswith("home")
    report = pack(environment, "warn", allow_leak=[".netrc"])
    assert (environment.parent / "app/.netrc").exists()


def test_names_of_the_maker_are_told_and_refused_where_that_is_asked(environment: Path) -> None:
    texts = {
        "app/mail.py": "# zoe7@calliope.lan\n",
        "app/place.json": '{"place": "\\/home\\/zoe7\\/data"}\n',
        "app/url.py": "url = 'file:///home/zoe7/my%20data'\n",
        "app/other.py": "# calliopes and zoe77, /home/zoe77\n",
    }
    install(environment, "app", texts, url="file:///home/zoe7/app")
    report = pack(environment)
    assert sorted(found(report)) == [
        *(("mail.py", "host", "own"), ("mail.py", "user", "own")),
        *(("place.json", "home", "own"), ("url.py", "home", "own")),
    ]
    assert [line.partition(" is in ")[0] for line in warnings(report) if " is in " in line] == [
        *("warning: your user name", "warning: your host name", "warning: your home folder"),
    ]
    assert "mail.py: user name" in refused(environment).message
    pack(environment, "refuse", allow_leak=["home:**/app/*.json", "home:url.py", "user:app/", "host:app/"])


@pytest.mark.everything
def test_a_pattern_that_fits_nothing_is_told(environment: Path) -> None:
    app(environment, "")
    report = pack(environment, "refuse", allow_leak=["no-such-file", "jwt:app/"])
    assert sum("fits nothing that was found" in line for line in warnings(report)) == 2


@pytest.mark.everything
def test_a_second_pack_finds_the_same(environment: Path, token: str) -> None:
    app(environment, f"TOKEN = '{token}'\nPLACE = '/home/zoe7/data'\n")
    reports = [pack(environment, "warn", verify=True, audit="quick") for _ in range(2)]
    assert found(reports[0]) == found(reports[1]) != []


@pytest.mark.everything
def test_verify_tells_what_has_the_form_of_a_credential(environment: Path, token: str) -> None:
    (site_packages(environment) / "local.py").write_text(f"TOKEN = '{token}'\n")
    pack(environment)
    out = environment.parent / "app"
    audit = bundler.verify(out, run=False)
    assert [(leak.kind, leak.status.value) for leak in audit.leaks] == [("github-token", "own")]
    assert audit.faults == ()
    assert any("local.py:1: github-token (ghp_…)" in line for line in audit.lines(verbose=False))
    pack(environment, "refuse", allow_leak=["local.py"])
    audit = bundler.verify(out, run=False)
    assert [leak.status.value for leak in audit.leaks] == ["allowed"]
    assert not any("local.py" in line for line in audit.lines(verbose=False))


def test_verify_knows_which_distributions_came_from_no_index(environment: Path, token: str) -> None:
    text = {"{}/__init__.py": f"TOKEN = '{token}'\n"}
    for name, url in (("ours", "file:///home/zoe7/ours"), ("theirs", "")):
        install(environment, name, {path.format(name): data for path, data in text.items()}, url=url)
    report = pack(environment)
    assert report.manifest.unpublished == ("ours",)
    audit = bundler.verify(environment.parent / "app", run=False)
    told = {leak.path.split("/")[-2]: leak.status.value for leak in audit.leaks}
    assert told == {"ours": "own", "theirs": "published"}
    assert [("ours" in line) for line in audit.findings(verbose=False)] == [True]
    assert len([line for line in audit.findings(verbose=True) if "github-token" in line]) == 2


@pytest.mark.everything
def test_verify_tells_of_somebody_s_home_in_what_bundler_writes(environment: Path) -> None:
    install(environment, "app", {"app.py": ""})
    pack(environment)
    manifest = environment.parent / "app/bundle.json"
    assert bundler.verify(environment.parent / "app", run=False).leaks == ()
    text = manifest.read_text()
    told = json.loads(text)
    told["warnings"] = [*told.get("warnings", []), "/home/somebody/x is odd"]
    manifest.write_text(json.dumps(told))
    (leak,) = bundler.verify(environment.parent / "app", run=False).leaks
    assert (leak.path, leak.kind) == ("bundle.json", "home")


@pytest.mark.everything
def test_the_bundle_s_own_files_tell_nothing_of_their_maker(environment: Path) -> None:
    """Paths of the maker's own home, in every place where a bundle is told of its source."""
    report = pack(environment, "refuse", verify=True, audit="quick")
    assert found(report) == []


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HOME": "/home/zoe7", "LOGNAME": "zoe7"}, ("/home/zoe7", "zoe7")),
        ({"HOME": "/root", "LOGNAME": "root"}, ("", "")),
        ({"HOME": "/home/runner", "LOGNAME": "runner"}, ("/home/runner", "")),
        ({"HOME": "/", "LOGNAME": "abc"}, ("", "")),
    ],
)
def test_a_name_that_everybody_has_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: tuple[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("platform.node", lambda: "calliope.lan")
    assert this_maker() == Maker(*expected, "calliope")
    monkeypatch.setattr("platform.node", lambda: "localhost")
    assert this_maker().host == ""
