"""RECORDs of a bundle: which are made anew, and what is in them then."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import pytest

from bundler.entries import Deferred, Digest, Entry, Literal, Source
from bundler.plan.overlay import Entries, overlaid, without
from bundler.plan.records import plan_records
from tests.plan.made_up import SITE, Machine

RECORD = f"{SITE}/app-1.dist-info/RECORD"
PYC = f"{SITE}/app/__pycache__/core.cpython-312.pyc"
ROWS = (
    "app/__init__.py,sha256=a,1",
    "app/core.py,sha256=b,2",
    "app/__pycache__/core.cpython-312.pyc,,",
    "../../../bin/app,sha256=c,3",
    "app/never_there.py,sha256=d,4",
    "app-1.dist-info/METADATA,sha256=e,5",
    "app-1.dist-info/RECORD,,",
)
NEW = "sha256=EVB6Di9eadXfpApiob17buV-a82FxnybhDGzb_8hxDc,3"  # of `new`


@pytest.fixture
def installed(machine: Machine) -> Machine:
    """An environment with one distribution."""
    machine.install("app", *ROWS)
    for path in (f"{SITE}/app/__init__.py", f"{SITE}/app/core.py", PYC, "bin/app"):
        machine.put(f"env/{path}")
    return machine


def records(
    machine: Machine, entries: Entries, added: Mapping[str, tuple[str, ...]] | None = None
) -> dict[str, list[str]]:
    """The rows of the RECORDs that change, by bundle path; every new file has the content `new`."""
    found = {}
    for planned in plan_records(entries, machine.environment, machine.mounts, added or {}):
        assert isinstance(planned.content, Deferred)
        assert planned.reason == "rows of changed files made anew"
        digests = {path: Digest(sha256(b"new").digest(), 3) for path in entries}
        found[planned.path] = planned.content.make(digests).decode().splitlines()
    return found


def changed(entries: Entries, *paths: str) -> dict[str, Entry]:
    return overlaid(entries, (entries[path]._replace(content=Literal(b"new"), reason="new") for path in paths))


def made(path: str, entries: Entries) -> Entry:
    """A file that bundler makes, like one that there is."""
    file = next(entry for entry in entries.values() if isinstance(entry.content, Source))
    return file._replace(path=path, origin="bundler")


def test_a_record_of_files_that_stay_as_they_are_stays_as_it_is(installed: Machine) -> None:
    assert records(installed, installed.entries) == {}


def test_the_row_of_a_changed_file_has_its_new_digest(installed: Machine) -> None:
    entries = changed(installed.entries, "bin/app")
    assert records(installed, entries) == {RECORD: [*ROWS[:3], f"../../../bin/app,{NEW}", *ROWS[4:]]}


def test_the_row_of_a_file_that_stays_behind_goes_but_not_that_of_one_which_was_never_there(installed: Machine) -> None:
    entries = without(installed.entries, {f"{SITE}/app/core.py", PYC})
    assert records(installed, entries) == {RECORD: [ROWS[0], *ROWS[3:]]}


def test_a_row_that_leads_out_goes_though_nothing_is_there(installed: Machine) -> None:
    installed.install("app", *ROWS, "../../../../nowhere/app.conf,,", "/nowhere/app.conf,,")
    assert records(installed, installed.entries) == {RECORD: [*ROWS]}


def test_a_row_with_a_whole_path_names_the_file_of_the_bundle(installed: Machine) -> None:
    installed.install("app", *ROWS[:3], f"{installed.folder}/env/bin/app,sha256=c,3", *ROWS[4:])
    assert records(installed, installed.entries) == {RECORD: [*ROWS]}


def test_a_compiled_module_that_is_made_anew_has_a_row_without_a_digest(installed: Machine) -> None:
    other = f"{SITE}/app/__pycache__/__init__.cpython-312.pyc"
    entries = installed.entries
    entries = overlaid(entries, (made(PYC, entries), made(other, entries)))
    assert records(installed, entries) == {RECORD: [*ROWS, "app/__pycache__/__init__.cpython-312.pyc,,"]}


def test_a_compiled_module_that_is_made_anew_has_its_new_digest_where_it_had_one(installed: Machine) -> None:
    rows = [row.replace(".pyc,,", ".pyc,sha256=z,9") for row in ROWS]
    installed.install("app", *rows)
    entries = installed.entries
    entries = overlaid(entries, (made(PYC, entries),))
    assert records(installed, entries) == {
        RECORD: [*rows[:2], f"app/__pycache__/core.cpython-312.pyc,{NEW}", *rows[3:]]
    }


def test_the_side_file_of_a_script_belongs_to_the_script_s_owner(installed: Machine) -> None:
    entries = changed(installed.entries, "bin/app")
    side = "libexec/bundler/bin/app"
    entries = overlaid(entries, (entries["bin/app"]._replace(path=side),))
    assert records(installed, entries)[RECORD][-1] == f"../../../{side},{NEW}"


def test_what_an_editable_brings_is_its_distribution_s(installed: Machine) -> None:
    brought = (f"{SITE}/real/one.py", f"{SITE}/real/inner/two.py", f"{SITE}/single.py")
    entries = installed.entries
    entries = overlaid(entries, (made(path, entries) for path in brought))
    added = {f"{SITE}/app-1.dist-info": (f"{SITE}/real", f"{SITE}/single.py", f"{SITE}/not_there.py")}
    assert records(installed, entries, added) == {
        RECORD: [*ROWS, f"real/inner/two.py,{NEW}", f"real/one.py,{NEW}", f"single.py,{NEW}"]
    }


def test_a_distribution_without_a_record_or_whose_record_stays_behind_has_none(installed: Machine) -> None:
    entries = changed(installed.entries, f"{SITE}/app/core.py")
    assert records(installed, without(entries, {RECORD})) == {}
    (installed.folder / "env" / RECORD).unlink()
    assert records(installed, entries) == {}


def test_only_the_records_of_owners_change(installed: Machine) -> None:
    installed.install("other", "other.py,sha256=f,6")
    installed.put(f"env/{SITE}/other.py")
    assert set(records(installed, changed(installed.entries, f"{SITE}/other.py"))) == {
        f"{SITE}/other-1.dist-info/RECORD"
    }
