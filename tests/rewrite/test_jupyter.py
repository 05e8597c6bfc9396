"""Jupyter's kernels run on the bundle's Python."""

from __future__ import annotations

import json

from bundler.rewrite.jupyter import rewrite_kernel


def test_a_kernel_runs_on_the_bundle_s_python() -> None:
    def ours(path: str) -> bool:
        return path.startswith("/env \u00e9/")

    kernel = {
        "argv": ["/env \u00e9/bin/python3.12", "-m", "ipykernel_launcher"],
        "display_name": "k",
        "env": {"A": "1"},
    }
    new = rewrite_kernel(json.dumps(kernel).encode(), ours)
    assert new is not None
    assert json.loads(new.data) == kernel | {"argv": ["python", "-m", "ipykernel_launcher"]}
    assert rewrite_kernel(new.data, ours) is None


def test_kernels_of_other_programs_stay_as_they_are() -> None:
    for data in (
        b'{"argv": ["/usr/bin/python3", "-m", "x"]}', b'{"argv": ["/env/bin/xcpp"]}', b'{"argv": []}', b'{"argv": [1]}',
        b"[]", b"no json", b'{"argv": ["python", "-m", "x"]}', b"\xff",
    ):  # fmt: skip
        assert rewrite_kernel(data, lambda path: path.startswith("/env/")) is None, data
