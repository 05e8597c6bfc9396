"""What of a bundle's leaks stops a pack, and what it says then."""

from __future__ import annotations

from bundler.audit.reports import LeakReport
from bundler.errors import LeaksFound
from bundler.options import LeakMode

_SHOWN = 10


def check_leaks(leaks: LeakReport, mode: LeakMode | None) -> None:
    """Raise LeaksFound for credentials, and with `--leaks refuse` for names and paths, too."""
    if mode in (LeakMode.ALLOW, LeakMode.WARN):
        return
    refused = [leak.text for leak in leaks.own if leak.is_credential or mode is LeakMode.REFUSE]
    has_credentials = any(leak.is_credential for leak in leaks.own)
    if mode is LeakMode.REFUSE:
        refused += [f"{path}: a path of the source" for path in (*leaks.texts, *leaks.binaries)]
    shown = refused[:_SHOWN] + ([f"and {len(refused) - _SHOWN} more"] if len(refused) > _SHOWN else [])
    if mode is LeakMode.REFUSE and leaks.pycs:
        shown.append(f"{len(leaks.pycs)} compiled modules: paths of the source (--pyc compile makes them without)")
    if not shown:
        return
    what = "credentials" if has_credentials else "names and paths of this machine"
    lines = "\n".join(f"  {line}" for line in shown)
    raise LeaksFound(
        f"the bundle would give {what} away:\n{lines}",
        "take them out of the environment, leave the files out (--exclude PATH), or let them pass (--allow-leak PATH)",
    )
