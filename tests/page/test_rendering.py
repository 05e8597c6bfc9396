"""The page as a file: the same bytes each time, nothing but texts of what names hold, and a policy that lets nothing in."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bundler.ceiling import NO_CEILING
from bundler.contents import Binary, Need, Place
from bundler.floor import Floor, FloorDemand
from bundler.manifest import RecordedOptions, RecordedValue
from bundler.page import render
from bundler.printable import printable
from tests.page.made_up import BLAS, CRYPTO, HOSTILE, LIBSSL, NUMPY, SSL, contents

PACKAGE = Path(__file__).parents[2] / "bundler/page"
SCRIPTS = sorted((PACKAGE / "scripts").glob("*.js"))
MOST_BESIDE_THE_DATA = 1_000_000


class Page(HTMLParser):
    """What a parser of HTML takes for elements, and the texts in those that hold code or data."""

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.text = ""
        self._open = ""
        self.feed(page.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.text += " "
        if tag in self.raw:
            self.raw[tag].append("")
            self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.raw[self._open][-1] += data
        else:
            self.text += data

    def data(self) -> dict[str, object]:
        """What its scripts read."""
        found = json.loads(self.raw["script"][0])
        assert isinstance(found, dict)
        return found


@pytest.fixture(scope="module")
def page() -> bytes:
    return render(contents())


@pytest.fixture(scope="module")
def parsed(page: bytes) -> Page:
    return Page(page)


def test_the_same_contents_make_the_same_bytes(page: bytes) -> None:
    code = "import sys; from tests.page.made_up import contents; from bundler.page import render\n"
    code += "sys.stdout.buffer.write(render(contents()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        cwd=PACKAGE.parents[1],
        env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
    )
    assert done.stdout == page == render(contents())


def test_hostile_names_are_texts_and_nothing_else(page: bytes, parsed: Page) -> None:
    assert len(parsed.raw["script"]) == 2 + len(SCRIPTS), "the data, the charts, and our own"
    names = {tag for tag, _ in parsed.elements}
    assert not names & {"img", "iframe", "object", "embed", "svg", "video", "audio", "b", "i", "base"}
    assert not [
        name for _, attributes in parsed.elements for name in attributes if name.startswith(("on", "style", "src"))
    ]
    files = parsed.data()["files"]
    assert isinstance(files, dict)
    for path in HOSTILE:
        assert printable(path.rpartition("/")[2]) in files["name"]
        assert f"env:{printable(path)}" in parsed.text
    assert "<script>owned()</script>" in parsed.text, "a licence is a text"
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", page.decode())
    assert not re.search("[<>&]", parsed.raw["script"][0])


def test_the_policy_names_each_script_and_the_style_and_lets_nothing_be_loaded(parsed: Page) -> None:
    (policy,) = [
        attributes["content"]
        for tag, attributes in parsed.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"].split() == [digest(script) for script in parsed.raw["script"][1:]]
    assert rules["style-src"] == digest(parsed.raw["style"][0])
    assert "unsafe" not in policy and "http" not in policy
    assert rules["require-trusted-types-for"] == "'script'"
    kinds = [attributes.get("type") for tag, attributes in parsed.elements if tag == "script"]
    assert kinds == ["application/json", *[None] * (len(SCRIPTS) + 1)]


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_nothing_leads_out_of_the_page(parsed: Page) -> None:
    addresses = [attributes["href"] for _, attributes in parsed.elements if "href" in attributes]
    assert len(addresses) > 30
    assert [address for address in addresses if address != "data:," and not str(address).startswith("#")] == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_our_scripts_make_no_markup_of_texts_and_ask_nobody(script: Path) -> None:
    text = script.read_text()
    assert text.startswith('"use strict";\n')
    markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"
    asking = r"fetch\(|XMLHttp|WebSocket|EventSource|sendBeacon|https?:|import\(|window\.open"
    assert re.findall(f"{markup}|{asking}", text) == []


def test_it_is_small_beside_its_data(page: bytes, parsed: Page) -> None:
    assert len(page) - len(parsed.raw["script"][0]) < MOST_BESIDE_THE_DATA


def test_the_data_grow_slowly() -> None:
    small, large = (len(Page(render(contents(files))).raw["script"][0]) for files in (0, 2000))
    assert (large - small) / 2000 < 60, "bytes of a file"


def test_it_says_without_scripts_what_makes_it_large_and_which_file_asks_for_the_newest_libc(parsed: Page) -> None:
    words = " ".join(parsed.text.split())
    assert "Largest parts numpy 48.6 MB, 80 %" in words
    assert f"Needs at least glibc 2.36 because of {CRYPTO} without that file glibc 2.34 would do" in words
    assert words.index(CRYPTO, words.index("2.36 1 file")) < words.index(LIBSSL, words.index("2.34 2 files"))
    for text in (
        NUMPY,
        BLAS,
        SSL,
        "libgfortran.so.5",
        "found nowhere",
        "libssl3 3.0.17-1 (deb)",
        "a warning with <b>markup</b>",
    ):
        assert text in words
    assert "executable stacks 1 file" in words and "--fix-execstack" in words


def test_all_files_that_ask_for_the_floor_are_named_wherever_one_is(page: bytes) -> None:
    """To leave out one of several gains nothing, and a library that is left out must be on the target."""
    made = contents()
    binaries = {**made.binaries, LIBSSL: made.binaries[LIBSSL]._replace(demand=made.binaries[CRYPTO].demand)}
    manifest = replace(made.manifest, floor=Floor("glibc", (2, 36), CRYPTO, "GLIBC_2.36"))
    words = " ".join(Page(render(replace(made, binaries=binaries, manifest=manifest))).text.split())
    assert words.count(f"because of {CRYPTO} and {LIBSSL}") == 2
    assert f"asked for as well by {LIBSSL}: leaving out one alone changes nothing" in words
    assert "Without all 2 together 2.34 would do" in words
    assert "then the target must have it, at least as new as" in words
    assert "leaving out one alone" not in page.decode()


def test_warnings_needs_and_notes_are_counted_apart(parsed: Page) -> None:
    words = " ".join(parsed.text.split())
    assert "Warnings 2 1 note, 3 lines on where it runs" in words
    for heading in ("Where it runs 3 target needs glibc", "Notes 1 note"):
        assert heading in words


def test_it_says_what_leaving_out_more_would_save(parsed: Page) -> None:
    words = " ".join(parsed.text.split())
    assert "packed with --profile standard" in words
    assert "--profile runtime" in words and "--profile slim" in words
    assert "--exclude 'tests/' tests of packages 1.5 MB" in words
    assert "--exclude '*.pyi' types for editors and checkers 9.0 kB" in words
    assert "--pyc none compiled modules 25.0 kB" in words
    assert "sources and headers" not in words, "those of Python are its profile's"


def test_the_licences_of_what_travels_in_it_are_in_it(parsed: Page) -> None:
    assert "Apache License" in parsed.text
    assert "Apache ECharts" in parsed.text
    assert "zrender" in parsed.text.lower()


def test_a_bundle_that_holds_nothing_or_lies_has_a_page_too() -> None:
    """Whatever bundle.json says: of files that are not there, of profiles and patterns that are none."""
    made = contents()
    nothing = replace(
        made.manifest, floor=None, changed=(), missing=(), warnings=(), ceiling=NO_CEILING, options=None, opened=()
    )
    empty = replace(made, manifest=nothing, items=(), binaries={}, distributions=(), components=())
    words = " ".join(Page(render(empty)).text.split())
    for sentence in (
        "any release of glibc: no file asks for one",
        "No warnings.",
        "Nothing that is known.",
        "Nothing: every file is as it was.",
    ):
        assert sentence in words
    assert "0 B in 0 files" in words
    lies: dict[str, RecordedValue] = {"profile": "all of it", "exclude": ("[", "*" * 50 + "!", "\\", "!tkinter/")}
    lying = replace(
        made.manifest, files={}, options=RecordedOptions(lies), floor=Floor("glibc", (2, 99), "gone", "x", None)
    )
    words = " ".join(Page(render(replace(made, manifest=lying))).text.split())
    assert "glibc 2.99 because of gone" in words and "--profile standard" in words
    own = replace(made.manifest, floor=None, loader="lib/libc/ld.so")
    words = " ".join(Page(render(replace(made, manifest=own))).text.split())
    assert "no libc of the target's: its own comes along" in words and "of the libc that comes along" in words
    gone = {
        "ghost.so": Binary(
            "ghost.so", (Need("libx.so", Place.BUNDLE, "nowhere"),), FloorDemand((9, 9), "ghost.so", "G")
        )
    }
    assert "ghost.so" in Page(render(replace(made, binaries=gone))).text
