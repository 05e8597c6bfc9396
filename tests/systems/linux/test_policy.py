"""What stays on the host and what comes along, by name."""

from __future__ import annotations

import pytest

from bundler.systems.linux.policy import (
    HOST_LIBRARIES,
    HostReason,
    drivers_may_need_newer,
    stays_on_host,
)


@pytest.mark.parametrize(
    "name",
    [
        "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "ld64.so.2", "ld-musl-x86_64.so.1", "libc.so.6", "libm.so.6",
        "libmvec.so.1", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1", "libresolv.so.2", "libanl.so.1",
        "libnss_files.so.2", "libnss_systemd.so.2", "libthread_db.so.1", "libc.musl-x86_64.so.1", "libc.so",
    ],
)  # fmt: skip
def test_libcs_own_family_stays(name: str) -> None:
    assert stays_on_host(name) is HostReason.LIBC


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("libcuda.so.1", HostReason.GPU),
        ("libnvidia-ml.so.1", HostReason.GPU),
        ("libdrm.so.2", HostReason.GPU),
        ("libdrm_amdgpu.so.1", HostReason.GPU),
        ("libOpenCL.so.1", HostReason.GPU),
        ("libvulkan.so.1", HostReason.GPU),
        ("libGL.so.1", HostReason.GL),
        ("libGLX.so.0", HostReason.GL),
        ("libGLX_mesa.so.0", HostReason.GL),
        ("libEGL.so.1", HostReason.GL),
        ("libGLESv2.so.2", HostReason.GL),
        ("libOpenGL.so.0", HostReason.GL),
        ("libgbm.so.1", HostReason.GL),
    ],
)
def test_gpu_and_gl_drivers_stay(name: str, reason: HostReason) -> None:
    assert stays_on_host(name) is reason


@pytest.mark.parametrize(
    "name",
    [
        # The promise names these.
        "libstdc++.so.6", "libgcc_s.so.1", "libcrypt.so.1", "libnsl.so.1", "libX11.so.6", "libxcb.so.1",
        # What a Python of the host asks for.
        "libpython3.12.so.1.0", "libssl.so.3", "libcrypto.so.3", "libsqlite3.so.0", "libffi.so.8", "libz.so.1",
        "libreadline.so.8", "libuuid.so.1", "libcap.so.2", "libcurl.so.4", "libmagic.so.1", "libc++.so.1", "libcares.so.2",
        # Names that begin as a driver's or libc's does.
        "libGLU.so.1", "libGLEW.so.2.2", "libcudart.so.12", "libcudnn.so.9", "libnss3.so", "libnssutil3.so", "libnvrtc.so.12",
        "libnvJitLink.so.12", "libdrmaa.so.1.0", "libmpi.so.40", "libm4ri.so.1", "libutil-linux.so.1", "libdl-dummy.so",
        "librtmp.so.1",
    ],
)  # fmt: skip
def test_everything_else_comes_along(name: str) -> None:
    assert stays_on_host(name) is None


def test_a_name_without_its_version_is_the_same_library() -> None:
    for version in ("", ".6", ".6.0.33", ".6.0.33.bak"):
        assert stays_on_host(f"libm.so{version}") is HostReason.LIBC
    assert stays_on_host("libm.so6") is None
    assert stays_on_host("xlibm.so.6") is None
    assert stays_on_host("libm") is None


def test_no_line_of_the_policy_says_what_another_says() -> None:
    names = [line.name for line in HOST_LIBRARIES]
    assert len(names) == len(set(names))
    for line in HOST_LIBRARIES:
        assert stays_on_host(line.name.replace("*", "x.so.1")) is line.reason


def test_what_a_newer_driver_may_need_newer_is_marked_and_nothing_else() -> None:
    for name in ("libstdc++.so.6", "libgcc_s.so.1", "libz.so.1", "libexpat.so.1", "libxcb-glx.so.0", "libX11-xcb.so.1"):
        assert drivers_may_need_newer(name)
        assert stays_on_host(name) is None
    for name in ("libssl.so.3", "libzmq.so.5", "libXext.so.6", "libc.so.6"):
        assert not drivers_may_need_newer(name)
