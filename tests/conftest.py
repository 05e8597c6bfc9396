"""What holds for every run of the suite: default signals, repeatable random choices, slices of slow tests, a closing table."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator

import pytest

from tests.material.interpreters import running_python
from tests.material.skipped import skip_reasons, table
from tests.material.slices import parsed, parted

_SEED = "BUNDLER_TEST_SEED"
_NOHUP = "BUNDLER_TEST_NOHUP"
"""Set where SIGHUP was ignored: xdist's processes, which are started by the first, learn of it."""


def _listen_to_signals() -> None:
    """Take back what this process inherited: signals that its parent ignores (`&` of a shell does, and `nohup`) or blocks.

    Python itself ignores SIGPIPE and SIGXFSZ, and `subprocess` gives their defaults to children. SIGHUP gets a handler that does
    nothing: a run under `nohup` lives on, and what it starts has the default.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    ignored = {number for number in signal.valid_signals() if signal.getsignal(number) is signal.SIG_IGN}
    for number in ignored - {signal.SIGPIPE, signal.SIGXFSZ}:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    if signal.SIGHUP in ignored or os.environ.get(_NOHUP):
        os.environ[_NOHUP] = "1"
        signal.signal(signal.SIGHUP, lambda *_: None)


_listen_to_signals()


def pytest_configure() -> None:
    os.environ.setdefault(_SEED, str(random.SystemRandom().randrange(10**6)))  # xdist's processes inherit it


def pytest_addoption(parser: pytest.Parser) -> None:
    help_text = "of the tests that are marked `everything` one part of several: NUMBER/PARTS"
    parser.addoption("--slice", type=parsed, metavar="NUMBER/PARTS", help=help_text)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    part = config.getoption("slice")
    if part is not None:
        items[:], waits = parted(items, part)
        config.hook.pytest_deselected(items=waits)


def pytest_report_header(config: pytest.Config) -> list[str]:
    python = running_python()
    part = config.getoption("slice")
    sliced = [] if part is None else [f"slice: every quick test, and --slice {part} of the others"]
    return [
        *sliced,
        f"packed: {python}, {python.executable}",
        f"seed: {os.environ[_SEED]} (repeat with {_SEED}=…)",
    ]


@pytest.fixture
def chosen(request: pytest.FixtureRequest) -> random.Random:
    """Random choices, for each test other ones; the same where the run's seed is the same. A failure shows the seed."""
    print(f"{_SEED}={os.environ[_SEED]}")
    return random.Random(f"{os.environ[_SEED]} {request.node.nodeid}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Close with one table: how many tests were skipped, and why."""
    yield
    reasons = skip_reasons(terminalreporter.stats.get("skipped", []))
    if reasons:
        terminalreporter.section(f"{sum(reasons.values())} skipped")
        for line in table(reasons):
            terminalreporter.line(line)
