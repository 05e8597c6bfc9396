"""The page in Chromium: it is clicked through, nothing leaves it, and nothing that a bundle's names hold does anything."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bundler.page import render
from bundler.printable import printable
from tests.page.browser import PHONE, WIDE, Seen, chromium, opened
from tests.page.made_up import BLAS, CRYPTO, HOSTILE, contents

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("page") / "page.html"
    made.write_bytes(render(contents()))
    return made


@pytest.fixture
def seen(browser: Browser, file: Path) -> Iterator[Seen]:
    with opened(browser, file) as found:
        yield found
        assert found.said == []
        assert found.requests == [file.as_uri()]


def trail(seen: Seen) -> list[str]:
    return seen.page.locator("#trail button:not(.up)").all_inner_texts()


def test_it_is_entered_searched_and_followed(seen: Seen) -> None:
    """The three ways in which a person finds something: by size, by name, by who needs it."""
    page = seen.page
    page.locator("#treemap canvas").click(position={"x": 250, "y": 250})
    assert len(trail(seen)) == 3, "a click on a package enters its layer and itself"
    page.locator("#trail .up").click()
    page.locator("#trail button", has_text="app").first.click()
    assert trail(seen) == ["app"]
    page.locator("#parts button", has_text="packages").click()
    page.locator("#parts button", has_text="numpy").click()
    page.locator("#parts button", has_text="shared library").click()
    assert trail(seen) == ["app", "packages", "numpy", "shared library"]
    page.keyboard.press("Backspace")
    assert trail(seen) == ["app", "packages", "numpy"]

    page.keyboard.press("/")
    page.keyboard.type("crypto")
    assert page.locator("#found [role=option]").first.inner_text().startswith(CRYPTO)
    page.keyboard.press("Enter")
    details = page.locator("#details")
    page.locator("#details[open]").wait_for()
    assert "libssl3 3.0.17-1 (deb)" in details.inner_text()
    assert "--exclude-lib libcrypto.so.3" in details.inner_text()
    way = details.locator(".way").inner_text()
    assert way == "standard library → _ssl.so → libssl.so.3 → libcrypto.so.3"
    details.locator(".way a", has_text="libssl").click()
    assert details.locator("h2").inner_text() == "libssl.so.3"
    assert "its RUNPATH would let LD_LIBRARY_PATH win" in details.inner_text()
    page.keyboard.press("Escape")
    assert not details.is_visible()


@pytest.mark.everything
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("phone", [False, True])
def test_nothing_is_wider_than_the_screen_and_both_pictures_are_drawn(
    browser: Browser, file: Path, phone: bool, dark: bool
) -> None:
    with opened(browser, file, phone=phone, dark=dark) as seen:
        page = seen.page
        assert page.evaluate("document.documentElement.scrollWidth") == (PHONE if phone else WIDE)[0]
        page.locator("#graph").scroll_into_view_if_needed()
        page.locator("#graph canvas").wait_for()
        for name in ("treemap", "graph"):
            assert colours(seen, name) > 5, name
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(20, 23, 27)" if dark else "rgb(246, 247, 249)")
        assert seen.said == []


@pytest.mark.everything
@pytest.mark.parametrize("name", ["libraries", "systems", "left-out", "changes"])
def test_the_menu_leads_to_the_heading_at_the_first_click_and_marks_the_section(
    browser: Browser, tmp_path: Path, name: str
) -> None:
    """Also past a picture that is drawn on the way: nothing that comes later has a height that was not there."""
    made = tmp_path / "page.html"
    made.write_bytes(render(contents(900)))
    with opened(browser, made) as seen:
        page = seen.page
        page.locator(f".sections a[href='#{name}']").click()
        settled(seen)
        top = page.evaluate(f"document.getElementById('{name}').getBoundingClientRect().top")
        is_at_end = page.evaluate("innerHeight + scrollY >= document.documentElement.scrollHeight - 2")
        assert abs(top - 56) < 3 or (is_at_end and 56 < top < 900)
        marked = page.locator(".sections a[aria-current]")
        assert [marked.nth(number).get_attribute("href") for number in range(marked.count())] == [f"#{name}"]
        page.keyboard.press("Control+Home")
        settled(seen)
        assert marked.all_inner_texts() == ["Overview"]
        assert seen.said == []


def settled(seen: Seen) -> None:
    """Wait until the page stands still."""
    seen.page.evaluate(
        """() => new Promise(resolve => {
            let last = -1, still = 0;
            const look = () => {
                still = scrollY === last ? still + 1 : 0;
                last = scrollY;
                still > 20 ? resolve() : requestAnimationFrame(look);
            };
            look();
        })"""
    )


def colours(seen: Seen, name: str) -> int:
    """How many colours a picture has."""
    found = seen.page.evaluate(
        """name => {
            const canvas = document.querySelector(`#${name} canvas`);
            const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return new Set(new Uint32Array(data.buffer)).size;
        }""",
        name,
    )
    assert isinstance(found, int)
    return found


@pytest.mark.everything
def test_the_switch_of_colours_is_a_key_too_and_goes_around(seen: Seen) -> None:
    page = seen.page
    themes = []
    for _ in range(3):
        page.keyboard.press("t")
        themes.append(page.locator("html").get_attribute("data-theme"))
    assert themes == ["dark", "light", "auto"], "first what differs from what is seen"


@pytest.mark.everything
def test_each_hostile_name_is_found_and_shown_as_it_is(seen: Seen) -> None:
    page = seen.page
    shown = set()
    page.locator("#search").fill("evil")
    assert len(HOSTILE) <= page.locator("#found [role=option]").count()
    for number in range(len(HOSTILE)):
        page.locator("#search").fill("site-packages evil")
        page.locator("#found [role=option]").nth(number).click()
        page.locator("#details[open]").wait_for()
        shown.add(page.locator("#details code").first.inner_text())
        page.keyboard.press("Escape")
        page.locator("#details[open]").wait_for(state="detached")
    assert shown == set(map(printable, HOSTILE))
    page.locator("#division").select_option("folder")
    for name in ("lib", "python3.12", "site-packages", "evil"):
        page.locator("#parts button.enter", has_text=name).first.click()
    page.locator("#parts button.enter", has_text="owned").first.click()
    page.locator("#details[open]").wait_for()
    assert page.title() == "app: what is inside"
    assert page.evaluate("[Object.prototype, Array.prototype].every(one => Object.keys(one).length === 0)")


@pytest.mark.everything
def test_what_would_come_into_the_page_does_not_run_and_asks_nobody(
    browser: Browser, file: Path, tmp_path: Path
) -> None:
    """As if a name had got through: neither a script, nor a style, nor a picture of somebody else's."""
    intruder = b"<script>document.title='owned'</script><img src='data:,' onerror=\"document.title='owned'\">"
    asking = (
        b"<img src='file:///etc/hostname'><style>body{display:none}</style><iframe src='file:///etc/hostname'></iframe>"
    )
    made = tmp_path / "page.html"
    made.write_bytes(file.read_bytes().replace(b"<main>", b"<main>" + intruder + asking))
    with opened(browser, made) as seen:
        assert seen.page.title() == "app: what is inside"
        assert seen.page.locator("h1").is_visible()
        assert seen.requests[0] == made.as_uri()
        assert seen.requests[1:] == seen.refused == ["file:///etc/hostname"], "of a frame not even that"
        assert len(seen.said) >= 4 and all("Content Security Policy" in line for line in seen.said)
        refused = seen.page.evaluate(
            "try { document.body.innerHTML = '<b>x</b>'; false } catch (error) { error instanceof TypeError }"
        )
        assert refused


@pytest.mark.everything
def test_the_graph_is_followed_by_keyboard_and_back(seen: Seen) -> None:
    page = seen.page
    page.locator("#library-table a", has_text="libcrypto").first.focus()
    page.keyboard.press("Enter")
    page.locator("#details button", has_text="Show in the graph").press("Enter")
    assert page.locator("#graph-focus").inner_text() == "libcrypto.so.3 needed by 1, needs 1"
    page.locator("#whole-graph").press("Enter")
    assert page.locator("#graph-focus").inner_text() == ""
    page.locator("#library-place").select_option("found nowhere")
    assert page.locator("#library-table tbody tr:visible").all_inner_texts()[0].startswith("libgfortran.so.5")


@pytest.mark.everything
def test_files_are_counted_alike_wherever_they_are_counted(browser: Browser, file: Path) -> None:
    with opened(browser, file) as seen:
        parts = seen.page.locator("#parts tbody td:nth-child(4)").all_inner_texts()
        total = seen.page.locator("#overview dd").first.inner_text()
        assert f"in {sum(map(int, parts))} files, and 1 link" in " ".join(total.split())
        assert seen.page.locator("#treemap").get_attribute("tabindex") is None


@pytest.mark.everything
def test_a_table_is_sorted_by_a_click_releases_as_numbers(seen: Seen) -> None:
    table = seen.page.locator("#library-table")
    table.locator("th button", has_text="asks for").click()
    assert table.locator("tbody tr td:nth-child(6)").all_inner_texts()[:3] == ["2.36", "2.34", "2.4"]


@pytest.mark.everything
def test_it_prints_what_was_folded_on_white(browser: Browser, file: Path) -> None:
    with opened(browser, file, dark=True) as seen:
        seen.page.emulate_media(media="print")
        folded = seen.page.locator("main details:not([open])").first
        folded.wait_for(state="detached")
        assert (
            seen.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()")
            == "#1b1f24"
        )
        assert not seen.page.locator("#search").is_visible()
        assert BLAS in seen.page.locator("#systems").inner_text()
        assert "click" not in seen.page.locator("#graph-caption").inner_text()
        seen.page.emulate_media(media="screen")
        folded.wait_for(state="attached")
        assert seen.said == []


@pytest.mark.everything
def test_paper_says_how_many_parts_are_not_told(browser: Browser, tmp_path: Path) -> None:
    made = tmp_path / "page.html"
    made.write_bytes(render(contents(5_000)))
    with opened(browser, made) as seen:
        seen.page.locator("#parts button.enter").first.wait_for()
        while not seen.page.locator("#parts .more").count():
            seen.page.locator("#parts button.enter").first.click()
        seen.page.emulate_media(media="print")
        assert seen.page.locator("#parts .more").is_visible()
        assert not seen.page.locator("#library-table .more").is_visible()
        assert seen.said == []


@pytest.mark.everything
def test_a_page_of_20_000_files_is_there_at_once(browser: Browser, tmp_path: Path) -> None:
    """A bound that no machine of today comes near: what it takes is in docs/page.md."""
    made = tmp_path / "page.html"
    made.write_bytes(render(contents(20_000)))
    times = []
    for _ in range(3):
        with opened(browser, made) as seen:
            seen.page.locator("#treemap canvas").wait_for()
            times.append(seen.page.evaluate("performance.timing.loadEventEnd - performance.timing.navigationStart"))
            assert seen.said == []
    assert 0 < statistics.median(times) < 10_000
