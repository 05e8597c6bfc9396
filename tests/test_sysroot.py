"""Links in a root are followed as a process inside it would follow them, and never lead out."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from bundler.sysroot import HOST, Sysroot


def test_absolute_links_and_dots_stay_inside(tmp_path: Path) -> None:
    root = Sysroot(str(tmp_path.resolve()))
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/file").write_text("")
    (tmp_path / "lib").symlink_to("/usr/lib")
    (tmp_path / "up").symlink_to("../../../../../usr/lib/file")
    (tmp_path / "circle").symlink_to("circle")
    assert root.real(f"{root.path}/lib/file") == f"{root.path}/usr/lib/file"
    assert root.real(f"{root.path}/up") == f"{root.path}/usr/lib/file"
    assert root.real(f"{root.path}/lib/../../..") == root.path
    with pytest.raises(OSError, match="symbolic links"):
        root.real(f"{root.path}/circle/x")
    assert not root.exists(f"{root.path}/circle/x")
    (tmp_path / "usr/parent").symlink_to("..")
    assert root.target(f"{root.path}/usr/parent") == HOST.target(f"{root.path}/usr/parent") == root.path
    assert root.target(f"{root.path}/lib") == root.target(f"{root.path}/up").removesuffix("/file")
    assert root.real(f"{root.path}/lib/none/x") == f"{root.path}/usr/lib/none/x"


def test_names_and_paths(tmp_path: Path) -> None:
    root = Sysroot(str(tmp_path))
    assert root.path_of("/usr/bin") == f"{tmp_path}/usr/bin"
    assert root.path_of("/../../etc/passwd") == f"{tmp_path}/etc/passwd"
    assert root.name_of(f"{tmp_path}/usr/bin") == "/usr/bin"
    assert root.name_of(str(tmp_path)) == "/"
    assert root.name_of(f"{tmp_path}-other/x") == f"{tmp_path}-other/x"
    assert HOST.path_of("/usr/bin") == HOST.name_of("/usr/bin") == "/usr/bin"


def test_any_tree_of_links_is_followed_as_in_a_chroot(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, for chroot")
    root = tmp_path.resolve()
    draw = random.Random(4)
    folders = ["", "a", "a/b", "c", "c/d/e"]
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
    names = ["a", "b", "c", "d", "e", "l0", "l1", "l2", "..", ".", "x"]

    def path(longest: int) -> str:
        return "/".join(draw.choice(names) for _ in range(draw.randint(1, longest)))

    for folder in folders:
        for number in range(3):
            (root / folder / f"l{number}").symlink_to(("/" if draw.random() < 0.4 else "") + path(4))
    asked = ["/" + path(6) for _ in range(4000)]
    expected = in_chroot(root, asked)
    here = Sysroot(str(root))
    compared = 0
    for name, real in zip(asked, expected, strict=True):
        if real is not None:
            compared += 1
            assert here.name_of(here.real(here.path + name)) == real, name
    assert compared > 200


def in_chroot(root: Path, names: list[str]) -> list[str | None]:
    """The real paths as a process with this root sees them; None for what is not there."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.chroot(root)
            answer = [os.path.realpath(name) if os.path.exists(name) else None for name in names]
            with os.fdopen(writer, "w") as file:
                json.dump(answer, file)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        result: list[str | None] = json.load(file)
    os.waitpid(child, 0)
    return result
