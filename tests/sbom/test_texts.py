"""Licence texts of a bundle, sorted by component, with an index that tells which component has none."""

from __future__ import annotations

import csv
import io

from bundler.sbom import Component, ComponentKind, components_of
from bundler.sbom.texts import COLUMNS, INDEX, collect_texts, listed_files
from tests.sbom.made_up import manifest, read


def test_each_component_has_a_folder_and_common_texts_stand_once() -> None:
    collected = collect_texts(components_of(manifest(), read), read)
    assert sorted(collected.files) == [
        "CPython-3.12.1/LICENSE.txt",
        "common-licenses/GPL-3",
        INDEX,
        "libreadline8-8.2-1.3/copyright",
        "libssl3-3.0.17-1_deb12u2/copyright",
        "quick-one-1.0/LICENSE.txt",
        "shop-1.0/LICENSE",
    ]
    assert collected.files["common-licenses/GPL-3"] == b"the GPL\n"
    assert collected.without == ("fast 2.0", "slow 1.0", "libown.so.1")


def test_the_index_says_what_each_is_under_who_says_so_and_where_the_texts_are() -> None:
    collected = collect_texts(components_of(manifest(), read), read)
    rows = list(csv.DictReader(io.StringIO(collected.files[INDEX].decode())))
    readline = next(row for row in rows if row["component"] == "libreadline8")
    assert readline == {
        "component": "libreadline8",
        "version": "8.2-1.3",
        "kind": "library of the host",
        "licence": "GPL-3.0-or-later",
        "told by": "package",
        "package": "libreadline8 8.2-1.3 (deb)",
        "files": "common-licenses/GPL-3 libreadline8-8.2-1.3/copyright",
    }
    assert listed_files(collected.files[INDEX]) == set(collected.files)


def test_names_that_lead_elsewhere_stay_in_the_folder() -> None:
    path = "lib/x.dist-info/licenses/../../../../etc/passwd"
    component = Component(ComponentKind.DISTRIBUTION, "../../up", "1/2", ("lib/x.dist-info",), licence_files=(path,))
    collected = collect_texts([component], lambda _: b"text")
    assert all(".." not in place.split("/") and not place.startswith("/") for place in collected.files)


def test_what_is_no_index_of_ours_lists_nothing() -> None:
    assert listed_files(b"a,b\n1,2\n") is None
    assert listed_files(b"") is None
    assert listed_files((",".join(COLUMNS) + "\n").encode()) == {INDEX}
