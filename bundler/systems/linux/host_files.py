"""Files and programs that go with each host, and of which nobody needs to be told: tables, with a reason on each line."""

from __future__ import annotations

from bundler.bundle_paths import lies_in

FOLDERS = (
    "/etc",  # the host's configuration
    "/usr/lib/locale",  # libc's locales: C.UTF-8 is in libc since 2.35
    "/usr/share/locale",  # translations, for whoever has them
    "/usr/share/i18n",  # what locales are made from
    "/usr/share/zoneinfo",  # time zones, which change: `tzdata` of the index where the host has none
    "/usr/share/ca-certificates",  # the host's certificates, which the bundle's ssl looks for itself
    "/lib/terminfo",  # goes with the terminals of the host
    "/usr/lib/terminfo",
    "/usr/share/terminfo",
    "/usr/lib/os-release",  # says which host it is
    "/var/cache",
)
PROGRAMS = frozenset(
    {
        "sh", "dash", "bash", "busybox", "env",  # POSIX; a start script is one of the shell's
        "ldconfig", "ldconfig.real",  # libc's; ctypes asks it
        "uname",  # platform asks it
    }
)  # fmt: skip


def is_hosts_file(path: str) -> bool:
    """Whether a file, by its real path, goes with the host."""
    return any(lies_in(path, folder) for folder in FOLDERS) or "/gconv/" in path
