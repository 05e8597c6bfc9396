"""What a file was installed from, by what installers leave."""

from __future__ import annotations

import pytest

from bundler.audit.wheels import Wheels
from bundler.systems.bundle_view import Wheel

SITE = "lib/python3.12/site-packages"
RECORD = b"pkg/_core.so,sha256=x,1\npkg.libs/libz-1.so,,\n../../../bin/pkg,,\n/etc/pkg,,\n../../../../out,,\n"
WHEEL = b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64\n"


@pytest.mark.parametrize(
    ("tags", "platforms"),
    [
        (WHEEL, ("manylinux_2_17_x86_64", "manylinux2014_x86_64")),
        (
            b"Tag: cp312-cp312-manylinux_2_28_x86_64\nTag: cp312-cp312-manylinux_2_27_x86_64\n",
            ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64"),
        ),
        (b"Tag: py3-none-any\n", ()),
        (b"\xff\xfe", ()),
    ],
)
def test_all_platforms_of_a_wheel_are_told(tags: bytes, platforms: tuple[str, ...]) -> None:
    wheels = Wheels({f"{SITE}/my_pkg-1.0.dist-info/RECORD": RECORD, f"{SITE}/my_pkg-1.0.dist-info/WHEEL": tags})
    for path in (f"{SITE}/pkg/_core.so", f"{SITE}/pkg.libs/libz-1.so", "bin/pkg"):
        assert wheels.of(path) == Wheel("my_pkg", "1.0", platforms)


def test_what_no_record_lists_is_nobody_s() -> None:
    wheels = Wheels({f"{SITE}/my_pkg-1.0.dist-info/RECORD": RECORD})
    assert wheels.of(f"{SITE}/pkg/_core.so") == Wheel("my_pkg", "1.0", ())
    for path in ("etc/pkg", f"{SITE}/other.so", "out", "../out"):
        assert wheels.of(path) is None
