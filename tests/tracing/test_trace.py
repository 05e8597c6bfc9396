"""From what threads did to the programs that ran: who started them, and what each opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.tracing.strace import events_in
from bundler.tracing.trace import Deed, Event, Ran, Trace, joined, programs_of

EXECUTED, OPENED, STARTED = Deed.EXECUTED, Deed.OPENED, Deed.STARTED


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Files by a letter."""
    for letter in "abc":
        (tmp_path / letter).write_text(letter)
    return {letter: str(tmp_path / letter) for letter in "abc"}


def test_a_fork_is_its_parent_s_program_until_it_executes_another(files: dict[str, str]) -> None:
    events = [
        Event(EXECUTED, 1, path="/x/one"),
        Event(STARTED, 1, child=2),
        Event(OPENED, 2, path=files["a"]),
        Event(EXECUTED, 2, path="/x/two"),
        Event(OPENED, 2, path=files["b"]),
        Event(OPENED, 1, path=files["c"]),
    ]
    one, two = programs_of(events)
    assert one == Ran("/x/one", None, frozenset({files["a"], files["c"]}))
    assert two == Ran("/x/two", 0, frozenset({files["b"]}))


def test_what_a_thread_does_may_be_told_before_its_start(files: dict[str, str]) -> None:
    events = [
        Event(EXECUTED, 1, path="/x/one"),
        Event(OPENED, 3, path=files["a"]),
        Event(STARTED, 2, child=3),
        Event(STARTED, 1, child=2),
        Event(EXECUTED, 3, path="/x/two"),
    ]
    one, two = programs_of(events)
    assert one.opened == {files["a"]}
    assert two.starter == 0


def test_a_fork_of_a_program_that_became_another_one_is_the_old_one_s(files: dict[str, str]) -> None:
    events = [
        Event(EXECUTED, 1, path="/x/one"),
        Event(STARTED, 1, child=2),
        Event(EXECUTED, 1, path="/x/two"),
        Event(OPENED, 2, path=files["a"]),
    ]
    one, two = programs_of(events)
    assert one.opened == {files["a"]}
    assert not two.opened


def test_what_is_gone_or_no_file_is_not_told_and_links_are_followed(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("a")
    paths = [str(tmp_path), str(tmp_path / "gone"), str(tmp_path / "link")]
    (ran,) = programs_of([Event(EXECUTED, 1, path="/x/one"), *(Event(OPENED, 1, path=path) for path in paths)])
    assert ran.opened == {files["a"]}


def test_threads_that_nobody_started_and_that_start_each_other_end_nothing(files: dict[str, str]) -> None:
    events = [Event(STARTED, 1, child=2), Event(STARTED, 2, child=1), Event(OPENED, 1, path=files["a"])]
    assert programs_of(events) == ()


def test_who_started_a_program_is_asked_past_shells() -> None:
    events = [
        Event(EXECUTED, 1, path="/x/python"),
        Event(STARTED, 1, child=2),
        Event(EXECUTED, 2, path="/x/sh"),
        Event(STARTED, 2, child=3),
        Event(EXECUTED, 3, path="/x/git"),
    ]
    trace = Trace(programs_of(events))
    assert [trace.starter(number, lambda name: name == "sh") for number in range(3)] == [None, "/x/python", "/x/python"]
    assert trace.starter(2, lambda name: False) == "/x/sh"


def test_two_traces_are_joined_with_their_starters() -> None:
    one = programs_of([Event(EXECUTED, 1, path="/x/a"), Event(EXECUTED, 1, path="/x/b")])
    both = joined([Trace(one, ("a",), "strace"), Trace(one, ("b",), "strace")])
    assert [ran.starter for ran in both.ran] == [None, 0, None, 2]
    assert (both.commands, both.tracer) == (("a", "b"), "strace")


@pytest.mark.parametrize(
    ("lines", "events"),
    [
        (['7 openat(AT_FDCWD</>, "a", O_RDONLY|O_CLOEXEC) = 3</x/a>'], [Event(OPENED, 7, path="/x/a")]),
        (['7 open("/x/a", O_RDWR) = 3</x/a> (deleted)'], [Event(OPENED, 7, path="/x/a")]),
        (['7 openat(AT_FDCWD</>, "O_WRONLY", O_RDONLY) = 3</x/O_WRONLY>'], [Event(OPENED, 7, path="/x/O_WRONLY")]),
        (['7 openat(AT_FDCWD</>, "a", O_WRONLY|O_CREAT, 0666) = 3</x/a>'], []),
        (['7 openat(AT_FDCWD</>, "a", O_RDONLY|O_DIRECTORY) = 3</x/a>'], []),
        (['7 openat(AT_FDCWD</>, "a", O_RDONLY) = -1 ENOENT (No such file or directory)'], []),
        ([r'7 openat(AT_FDCWD</>, "a\"<", O_RDONLY) = 3</x/a\"\74\303\244\n>'], [Event(OPENED, 7, path='/x/a"<ä\n')]),
        (
            [
                '7 openat(AT_FDCWD</>, "a", O_RDONLY <unfinished ...>',
                '8 openat(AT_FDCWD</>, "b", O_WRONLY <unfinished ...>',
                "7 <... openat resumed>) = 3</x/a>",
                "8 <... openat resumed>) = 3</x/b>",
            ],
            [Event(OPENED, 7, path="/x/a")],
        ),
        (['7 execve("/gone/x", ["x"], 0x7ffe /* 9 vars */) = 0'], [Event(EXECUTED, 7, path="/gone/x")]),
        (['7 execve("/gone/x", ["x"], 0x7ffe /* 9 vars */) = -1 ENOENT (No such file or directory)'], []),
        (["7 clone3({flags=CLONE_VM}, 88) = 9"], [Event(STARTED, 7, child=9)]),
        (["7 vfork( <unfinished ...>", "7 <... vfork resumed>) = 9"], [Event(STARTED, 7, child=9)]),
        (["7 clone(child_stack=NULL) = -1 EAGAIN (Resource temporarily unavailable)", "strace: bad"], []),
    ],
)
def test_a_line_of_strace_is_an_event_or_none(lines: list[str], events: list[Event]) -> None:
    assert list(events_in(f"{line}\n" for line in lines)) == events


def test_of_a_script_the_program_of_its_first_line_is_executed(tmp_path: Path) -> None:
    (tmp_path / "first").write_text(f"#! {tmp_path}/second -x\n")
    (tmp_path / "second").write_text("#!/gone/python\n")
    (event,) = events_in([f'7 execve("{tmp_path}/first", ["first"], 0x1 /* 1 var */) = 0\n'])
    assert event == Event(EXECUTED, 7, path="/gone/python")
