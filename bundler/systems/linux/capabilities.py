"""File capabilities (capabilities(7)): an extended attribute, which copies and archives lose.

The kernel starts such a program in secure mode, and then the loader follows `$ORIGIN` into the system's own folders alone
(ld.so(8)): a program that finds its libraries in a bundle does not start. Ambient capabilities do without that mode.
"""

from __future__ import annotations

AMBIENT = "give its process ambient capabilities instead (setpriv --ambient-caps, systemd's AmbientCapabilities=)"
"""What works in a bundle, as a hint."""
