"""What stays on the host, what its drivers may need of it: tables, with a reason on each line.

Names are file names without their version (`libc.so` for `libc.so.6`); a trailing `*` stands for any ending.
Sources: DESIGN 2.2, reference/libraries.md 5.1.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from functools import cache


class HostReason(enum.Enum):
    """Why a library belongs to the host."""

    LIBC = "belongs to libc, which goes with the loader and the kernel"
    GPU = "belongs to the GPU driver, which goes with the kernel's module"
    GL = "dispatches to the GL driver of the host"


@dataclass(frozen=True, slots=True)
class HostLibrary:
    """One line of the policy: a name, and why it is left to the host."""

    name: str
    reason: HostReason
    debian: str = ""
    """The package of Debian and Ubuntu that has it, where a target may lack it."""


HOST_LIBRARIES: tuple[HostLibrary, ...] = (
    # glibc's family: one build with the loader that the kernel starts; mixing two is a crash.
    HostLibrary("ld-linux*", HostReason.LIBC),
    HostLibrary("ld64.so", HostReason.LIBC),  # ppc64, s390x
    HostLibrary("ld.so", HostReason.LIBC),  # mips
    HostLibrary("ld-musl-*", HostReason.LIBC),
    HostLibrary("libc.so", HostReason.LIBC),
    HostLibrary("libc.musl-*", HostReason.LIBC),
    HostLibrary("libm.so", HostReason.LIBC),
    HostLibrary("libmvec.so", HostReason.LIBC),  # libm's vector functions
    HostLibrary("libpthread.so", HostReason.LIBC),  # part of libc since 2.34
    HostLibrary("libdl.so", HostReason.LIBC),  # part of libc since 2.34
    HostLibrary("librt.so", HostReason.LIBC),  # part of libc since 2.34
    HostLibrary("libutil.so", HostReason.LIBC),  # part of libc since 2.34
    HostLibrary("libresolv.so", HostReason.LIBC),  # shares its state with libc
    HostLibrary("libanl.so", HostReason.LIBC),  # part of libc since 2.34
    HostLibrary("libthread_db.so", HostReason.LIBC),  # looks into libc's threads
    HostLibrary("libBrokenLocale.so", HostReason.LIBC),
    HostLibrary("libnss_*", HostReason.LIBC),  # loaded by libc itself, configured by the host
    # NVIDIA: user-space halves of the kernel driver, of exactly its version.
    HostLibrary("libcuda.so", HostReason.GPU),
    HostLibrary("libcudadebugger.so", HostReason.GPU),
    HostLibrary("libnvidia-*", HostReason.GPU),
    HostLibrary("libnvcuvid.so", HostReason.GPU),
    HostLibrary("libnvoptix.so", HostReason.GPU),
    HostLibrary("libvdpau_nvidia.so", HostReason.GPU),
    # Others: drivers behind a common front, found through the host's own configuration.
    HostLibrary("libdrm.so", HostReason.GPU),  # talks to the kernel's DRM
    HostLibrary("libdrm_*", HostReason.GPU),  # its half for one driver; libdrmaa is a batch scheduler's
    HostLibrary("libze_intel_gpu.so", HostReason.GPU),
    HostLibrary("libvulkan.so", HostReason.GPU, "libvulkan1"),  # reads the host's list of Vulkan drivers
    HostLibrary("libOpenCL.so", HostReason.GPU, "ocl-icd-libopencl1"),  # reads the host's list of OpenCL drivers
    HostLibrary("libhsa-runtime64.so", HostReason.GPU),  # AMD: versioned with the kernel's KFD
    # GL and its dispatch: the vendor's driver registers with the host's copy.
    HostLibrary("libGL.so", HostReason.GL, "libgl1"),
    HostLibrary("libGLX*", HostReason.GL, "libglx0"),
    HostLibrary("libEGL*", HostReason.GL, "libegl1"),
    HostLibrary("libOpenGL.so", HostReason.GL, "libopengl0"),
    HostLibrary("libGLdispatch.so", HostReason.GL, "libglvnd0"),
    HostLibrary("libGLES*", HostReason.GL, "libgles2"),
    HostLibrary("libgbm.so", HostReason.GL, "libgbm1"),  # loads the driver's back end
)

# What libc opens by itself, of all that is not its own family, and no header names: the unwinder, for pthread_exit,
# pthread_cancel and backtrace. CPython ends its threads so up to 3.8, and any that is left at the end up to 3.13. libidn2 is
# opened for AI_IDN alone, which Python's socket module does not offer; gconv's modules and the name services' are the host's.
OPENED_BY_LIBC = ("libgcc_s.so.1",)
# Who calls one of these has libc open it.
UNWINDING = (b"pthread_exit", b"pthread_cancel", b"backtrace")

# Libraries that a driver of a newer host may need newer than ours: the executable's DT_RPATH is passed on to it.
DRIVERS_MAY_NEED_NEWER = ("libstdc++.so", "libgcc_s.so", "libz.so", "libexpat.so", "libxcb*", "libX11*", "libzstd.so")

# Libraries of the host that lead to a driver, by the beginning of their names.
_DRIVERS = ("libcuda.so", "libGL", "libEGL", "libOpenGL")


@cache
def host_library(name: str) -> HostLibrary | None:
    """The line for a library of this file name; None for one that comes along."""
    return next((line for line in HOST_LIBRARIES if matches(name, line.name)), None)


def stays_on_host(name: str) -> HostReason | None:
    """Why the library of this file name is left to the host; None where it comes along."""
    line = host_library(name)
    return line.reason if line is not None else None


def is_driver(name: str) -> bool:
    """Whether a library that stays on the host leads to a GL or GPU driver."""
    return name.startswith(_DRIVERS)


def drivers_may_need_newer(name: str) -> bool:
    """Whether a GL or GPU driver of a newer host may need a newer copy of this library than the bundle's."""
    return any(matches(name, pattern) for pattern in DRIVERS_MAY_NEED_NEWER)


def matches(name: str, pattern: str) -> bool:
    """Whether a file name, without the version behind `.so`, is the pattern's."""
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return re.sub(r"\.so\..*$", ".so", name) == pattern
