"""What makes a bundle large: every byte is counted once, and the shares are a whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.contents import Contents, read_contents
from bundler.contents.sizes import Portion, sizes
from bundler.quantities import human_change, human_size, percentages
from tests.contents.made_up import entries, files_of, write_folder


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    return read_contents(str(write_folder(tmp_path_factory.mktemp("made-up") / "app", entries(files_of()))))


def test_both_lists_add_up_to_the_bundle_and_are_sorted(contents: Contents) -> None:
    found = sizes(contents)
    assert (found.size, found.files, found.links) == (contents.size, contents.files, contents.links)
    for portions in (found.parts, found.kinds):
        assert sum(portion.size for portion in portions) == contents.size
        assert sum(portion.files for portion in portions) == contents.files
        assert sum(portion.links for portion in portions) == contents.links
        assert sum(round(float(portion.share.rstrip("%")) * 10) for portion in portions) == 1000
        assert [portion.size for portion in portions] == sorted((each.size for each in portions), reverse=True)
    for portion in found.parts:
        assert sum(portion.kinds.values()) == portion.size


def test_distributions_have_their_versions_and_what_belongs_to_none_has_a_name(contents: Contents) -> None:
    found: dict[str, Portion] = {portion.name: portion for portion in sizes(contents).parts}
    assert {name for name, portion in found.items() if portion.is_distribution} == {"app", "middle", "wheels", "zebra"}
    assert {name for name, portion in found.items() if not portion.is_distribution} == {
        "interpreter", "standard library", "host libraries", "headers", "added files", "made by bundler", "other files",
    }  # fmt: skip
    assert found["wheels"].version == "1.0"
    assert next(iter(found["wheels"].kinds)) == "extension module"
    assert (found["interpreter"].files, found["interpreter"].links) == (1, 1)
    assert (found["host libraries"].files, found["host libraries"].links) == (2, 1)


@given(st.lists(st.integers(0, 10**12), max_size=50))
def test_shares_are_a_whole_whatever_the_parts(parts: list[int]) -> None:
    shares = [round(float(share.rstrip("%")) * 10) for share in percentages(parts)]
    assert len(shares) == len(parts)
    assert sum(shares) == (1000 if sum(parts) else 0)
    for part, share in zip(parts, shares, strict=True):
        assert abs(share - part * 1000 / (sum(parts) or 1)) < 1


def test_sizes_as_people_read_them() -> None:
    assert [human_size(size) for size in (0, 999, 1000, 1_450_000, 2 * 10**9)] == [
        "0 B", "999 B", "1.0 kB", "1.4 MB", "2.0 GB",
    ]  # fmt: skip
    assert [human_change(size) for size in (0, 5, -1_200)] == ["±0", "+5 B", "-1.2 kB"]
