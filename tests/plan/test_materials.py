"""What a bundle was made of, as its provenance names it: nothing of the packing machine, and digests where somebody noted them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bundler.environment import Distribution, Environment, load_environment
from bundler.plan.materials import materials
from bundler.rewrite.direct_url import DirectUrl
from bundler.signing.provenance import Material
from tests.material.golden import plain

SHA, COMMIT = "a" * 64, "b" * 40


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    root = tmp_path_factory.mktemp("root")
    plain(root)
    return load_environment("/app/.venv", str(root), run=False)


@pytest.mark.parametrize(
    ("url", "material"),
    [
        (None, Material("zope-interface", "pkg:pypi/zope-interface@1.0%2Blocal")),
        (
            DirectUrl("https://me:secret@example.org/z.whl?token=x", sha256=SHA),
            Material("zope-interface", "https://example.org/z.whl", "sha256", SHA),
        ),
        (
            DirectUrl("https://example.org/z.git", commit=COMMIT),
            Material("zope-interface", "https://example.org/z.git", "gitCommit", COMMIT),
        ),
        (
            DirectUrl("file:///home/me/z.whl", sha256=SHA),
            Material("zope-interface", "pkg:generic/zope-interface@1.0%2Blocal", "sha256", SHA),
        ),
        (
            DirectUrl("/home/me/z", editable=True),
            Material("zope-interface", "pkg:generic/zope-interface@1.0%2Blocal"),
        ),
        (DirectUrl(""), Material("zope-interface", "pkg:generic/zope-interface@1.0%2Blocal")),
    ],
)
def test_a_distribution_is_named_by_where_it_came_from(
    environment: Environment, url: DirectUrl | None, material: Material
) -> None:
    found = Distribution("Zope.Interface", "1.0+local", "/somewhere/zope.dist-info", url)
    python, *others = materials(replace(environment, distributions=(found, found)))
    assert python == Material("python", f"pkg:generic/cpython@{environment.interpreter.version}")
    assert others == [material]
