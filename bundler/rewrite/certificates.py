"""The standard library's `ssl`: the host's certificates are found on systems other than the one that OpenSSL was built on.

libcrypto has the folder of its own distribution compiled in (`/usr/lib/ssl` on Debian, `/etc/pki/tls` on Fedora). Where that folder
is not there, and SSL_CERT_FILE and SSL_CERT_DIR are not set, a bundle would trust nobody.
"""

from __future__ import annotations

from bundler.rewrite import Rewritten
from bundler.rewrite.templates import read_template

PLACES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Gentoo, Alpine
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",  # older Fedora and RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # macOS
)


def rewrite_ssl(data: bytes) -> Rewritten | None:
    """`ssl.py` with an addition at its end; None where it lacks the names that this needs, or has the addition."""
    ending = read_template("ssl_ending").replace("@PLACES@", repr(PLACES)).encode()
    if b"\nclass SSLContext(_SSLContext):" not in data or b"\nimport _ssl" not in data or ending in data:
        return None
    return Rewritten(data + ending, "certificates are found on other systems, too")
