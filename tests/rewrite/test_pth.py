"""`.pth` files: paths into the environment become relative, all else stays."""

from __future__ import annotations

from bundler.rewrite.pth import ImportLine, OtherLine, PathLine, parse_pth, rewrite_pth, without_lines


def test_pth_lines_are_told_apart_as_site_does() -> None:
    lines = parse_pth(b"# comment\n\nimport os; x\nimportant\n/abs/path \nimport\tsys\n")
    assert lines == [
        OtherLine("# comment"), OtherLine(""), ImportLine("import os; x"), PathLine("important"), PathLine("/abs/path"),
        ImportLine("import\tsys"),
    ]  # fmt: skip


def test_pth_paths_into_the_environment_become_relative_and_others_stay() -> None:
    data = b"import x\n/venv/lib/extra\r\nrelative\n/other\n"
    new = rewrite_pth(data, lambda path: "../../extra" if path.startswith("/venv") else None)
    assert new is not None
    assert new.data == b"import x\n../../extra\r\nrelative\n/other\n"
    assert rewrite_pth(b"relative\n/other\n", lambda _: None) is None


def test_lines_that_go_take_a_file_along_in_which_nothing_else_is_left() -> None:
    data = b"# mine\n/gone \nimport x\n/kept\n"
    assert without_lines(data, {"/gone"}) == b"# mine\nimport x\n/kept\n"
    assert without_lines(data, {"/gone", "/kept", "import x"}) is None
