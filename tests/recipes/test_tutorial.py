"""The tutorial is followed as it stands, in a fresh clone."""

from __future__ import annotations

import pytest

from tests.material.environments import FIXTURES, run, skip_without_index
from tests.material.isolation import namespace
from tests.material.pages import follow
from tests.recipes.conftest import Desk

pytestmark = pytest.mark.everything


def test_the_tutorial(empty_desk: Desk) -> None:
    namespace()
    skip_without_index(["pip", "install"])
    clone = empty_desk.folder / "bundler"
    run(["git", "clone", "-q", FIXTURES.parent, clone])
    (empty_desk.commands / "bundler").unlink()  # the reader installs it
    desk = Desk(clone, empty_desk.env, empty_desk.python, empty_desk.commands)
    assert follow("tutorial.md", clone, {"": desk.own()}) > 15
