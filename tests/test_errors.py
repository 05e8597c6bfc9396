"""An error can be told of a file without being changed itself."""

from __future__ import annotations

import copy
import pickle

import pytest

from bundler.errors import BundlerError, CannotPatch, NoHeaderRoom, Problems


def test_an_error_at_a_path_is_a_new_one_of_the_same_class() -> None:
    error = CannotPatch("no room", "use a shorter name")
    at = error.at("lib/x.so")
    assert type(at) is CannotPatch
    assert (str(at), at.message, at.hint) == ("lib/x.so: no room", "lib/x.so: no room", "use a shorter name")
    assert at.args == ("lib/x.so: no room",)
    assert (str(error), error.args) == ("no room", ("no room",))


def test_numbers_of_an_error_stay() -> None:
    at = NoHeaderRoom("no room", "a hint", 48, 24).at("lib/x.dylib")
    assert isinstance(at, NoHeaderRoom)
    assert (at.message, at.hint, at.needed, at.available) == ("lib/x.dylib: no room", "a hint", 48, 24)
    several = Problems([CannotPatch("one"), CannotPatch("other")])
    assert several.at("here").errors == several.errors


def test_where_an_error_comes_from_stays() -> None:
    with pytest.raises(BundlerError) as caught:
        try:
            raise KeyError("cause")
        except KeyError as cause:
            raise BundlerError("told") from cause
    at = caught.value.at("here")
    assert isinstance(at.__cause__, KeyError)
    assert at.__traceback__ is caught.value.__traceback__


@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_at_a_path_gets_to_another_process(again: object) -> None:
    assert callable(again)
    made = again(NoHeaderRoom("no room", "a hint", 48, 24).at("lib/x.dylib"))
    assert isinstance(made, NoHeaderRoom)
    assert (made.message, made.needed) == ("lib/x.dylib: no room", 48)
