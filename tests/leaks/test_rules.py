"""What `--allow-leak` lets pass, and what it does not."""

from __future__ import annotations

from bundler.leaks.rules import AllowedLeaks


def test_a_pattern_lets_pass_what_is_found_at_its_paths() -> None:
    allowed = AllowedLeaks(("tests/", "/etc/app.conf"))
    assert allowed.allows("lib/app/tests/key.pem", "credential", "private-key")
    assert allowed.allows("etc/app.conf", "home")
    assert not allowed.allows("lib/etc/app.conf", "home")
    assert not allowed.allows("lib/app/key.pem", "credential", "private-key")


def test_with_a_kind_no_other_passes() -> None:
    allowed = AllowedLeaks(("private-key:tests/", "credential:*.json", "home:*.cfg"))
    assert allowed.allows("tests/a", "credential", "private-key")
    assert not allowed.allows("tests/a", "credential", "jwt")
    assert allowed.allows("a.json", "credential", "jwt")
    assert not allowed.allows("a.json", "home")
    assert allowed.allows("a.cfg", "home")
    assert allowed.unused == ()


def test_patterns_that_let_nothing_pass_are_known() -> None:
    allowed = AllowedLeaks(("a", "jwt:b", "b"))
    assert allowed.allows("b", "home")
    assert allowed.unused == ("a", "jwt:b")
