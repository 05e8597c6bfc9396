"""Whatever is wrong with a text that somebody else wrote is one kind of error."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bundler.parsing import parse_json, parse_literal, parse_python, parse_toml

DEEP = 20_000


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_json, b"[" * DEEP),
        (parse_json, b'{"a":' * DEEP),
        (parse_json, b""),
        (parse_json, b"\xff"),
        (parse_json, b"9" * DEEP),
        (parse_json, "\ud800"),
        (parse_toml, b"a = " + b"[" * DEEP),
        (parse_toml, b"a = \xff"),
        (parse_toml, b"a ="),
        (parse_python, b"a = " + b"(" * 250 + b")" * 250),
        (parse_python, b"a = " + b"[" * 150),
        (parse_python, b"a\0"),
        (parse_python, b"# coding: no-such\n"),
        (parse_python, b"# coding: utf-8\n'\xff'\n"),
        (parse_python, b"a ="),
        (parse_literal, "f(1)"),
        (parse_literal, "{[]: 1}"),
        (parse_literal, "1 +"),
        (parse_literal, "'\\ud800'.x"),
    ],
)
def test_what_cannot_be_read_is_a_value_error_with_words(
    parse: Callable[[bytes | str], object], text: bytes | str
) -> None:
    with pytest.raises(ValueError) as caught:
        parse(text)
    assert str(caught.value)


def test_what_can_be_read_is_read_and_warns_of_nothing(recwarn: pytest.WarningsRecorder) -> None:
    assert parse_json(b'{"a": [1, "\\udcff"]}') == {"a": [1, "\udcff"]}
    assert parse_toml(b"a = [1]") == {"a": [1]}
    (statement,) = parse_python(b"a = '\\d'\n").body
    assert parse_literal("{'a': (1, -2)}") == {"a": (1, -2)}
    assert statement is not None
    assert not recwarn.list
