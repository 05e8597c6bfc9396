"""A made-up bundle: what its `bundle.json` says, and the files that tell of its distributions."""

from __future__ import annotations

from collections.abc import Mapping

from bundler.host_package import Copyleft, HostPackage, PackageKind
from bundler.manifest import FileFact, LibraryFact, Manifest, PythonFacts
from tests.material.schemes import POSIX_312

SITE = "lib/python3.12/site-packages"
SSL = HostPackage(PackageKind.DEB, "libssl3", "3.0.17-1~deb12u2", "amd64", "openssl", "", "debian", "12")
READLINE = HostPackage(PackageKind.DEB, "libreadline8", "8.2-1.3", "amd64", "readline", "", "debian", "12")
TEXTS = "share/licenses/bundled"
AUDITWHEEL = """{
  "bomFormat": "CycloneDX", "specVersion": "1.4", "version": 1,
  "components": [
    {"type": "library", "bom-ref": "pkg:pypi/fast@2.0", "name": "fast", "version": "2.0", "purl": "pkg:pypi/fast@2.0"},
    {"type": "library", "name": "fast.core", "version": "2.0", "purl": "pkg:pypi/fast@2.0#c-ext/fast.core"},
    {"type": "library", "name": "six", "purl": "pkg:pypi/six"},
    {"type": "library", "name": "libgfortran", "version": "8.5.0-22.el8", "purl": "pkg:rpm/almalinux/libgfortran@8.5.0-22.el8",
     "licenses": [{"license": {"id": "GPL-3.0-or-later"}}]}
  ]
}"""


def info(name: str, version: str = "1.0", **files: str) -> dict[str, str]:
    """The metadata of a distribution: `METADATA`'s further lines, and files by name (`__` for a dot)."""
    lines = files.pop("metadata", "")
    folder = f"{SITE}/{name}-{version}.dist-info"
    told = {f"{folder}/{key.replace('__', '.')}": text for key, text in files.items()}
    return {f"{folder}/METADATA": f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{lines}\n", **told}


FILES: Mapping[str, str] = {
    "bin/python3.12": "python",
    "lib/libpython3.12.so.1.0": "libpython",
    "lib/python3.12/LICENSE.txt": "Python's licence",
    "lib/bundled/libssl.so.3": "ssl",
    "lib/bundled/libcrypto.so.3": "crypto",
    "lib/bundled/libreadline.so.8": "readline",
    "lib/bundled/libown.so.1": "own",
    f"{TEXTS}/libssl3/copyright": "Apache\n",
    f"{TEXTS}/libreadline8/copyright": "GPL\n",
    f"{TEXTS}/common-licenses/GPL-3": "the GPL\n",
    **info(
        "shop",
        metadata="License-Expression: MIT\nLicense-File: LICENSE\nRequires-Dist: fast[quick]>=1; python_version >= '3.12'\n"
        "Requires-Dist: never; sys_platform == 'win32'\n",
        RECORD="shop/__init__.py,,\n",
        **{"licenses/LICENSE": "MIT\n"},
    ),
    **info(
        "fast",
        "2.0",
        metadata="Classifier: License :: OSI Approved :: BSD License\nRequires-Dist: Quick_One; extra == 'quick'\n"
        "Requires-Dist: slow; extra == 'slow'\n",
        RECORD="fast/core.so,,\n../../../bin/fast,,\n",
        direct_url__json='{"url": "https://example.org/fast-2.0.whl", "archive_info": {"hashes": {"sha256": "'
        + "ab" * 32
        + '"}}}',
        **{"sboms/auditwheel.cdx.json": AUDITWHEEL},
    ),
    **info(
        "quick-one", metadata="License: Apache-2.0 or MIT\n", LICENSE__txt="Apache\n", RECORD="quick/__init__.py,,\n"
    ),
    **info("slow", metadata="License: see the file\n", RECORD="slow/core.so,,\n"),
    f"{SITE}/fast.libs/libgfortran-040039e1-0352e75f.so.5.0.0": "gfortran",
    f"{SITE}/fast.libs/libscipy_openblas-5f890258.so": "openblas",
    f"{SITE}/slow.libs/libgomp-a34b3233.so.1.0.0": "gomp",
}


def manifest(files: Mapping[str, str] = FILES) -> Manifest:
    """What `bundle.json` says of it."""
    return Manifest(
        bundler="0.1.0",
        python=PythonFacts("3.12.1", POSIX_312, "lib/libpython3.12.so.1.0", (SITE,), (".so",)),
        machine="x86_64",
        floor=None,
        distributions=(),
        files={path: FileFact(f"{number:064x}", len(text)) for number, (path, text) in enumerate(files.items(), 1)},
        bundled=(
            LibraryFact(
                "lib/bundled/libssl.so.3",
                "host:x",
                (f"{SITE}/fast/core.so", "lib/python3.12/lib-dynload/_ssl.so"),
                "Apache-2.0",
                Copyleft.NO,
                SSL,
                (f"{TEXTS}/libssl3/copyright",),
            ),
            LibraryFact(
                "lib/bundled/libcrypto.so.3", "host:x", ("lib/bundled/libssl.so.3",), "Apache-2.0", Copyleft.NO, SSL
            ),
            LibraryFact(
                "lib/bundled/libreadline.so.8",
                "host:x",
                ("bin/python3.12",),
                "GPL-3.0-or-later",
                Copyleft.STRONG,
                READLINE,
                (f"{TEXTS}/common-licenses/GPL-3", f"{TEXTS}/libreadline8/copyright"),
            ),
            LibraryFact("lib/bundled/libown.so.1", "host:libown.so.1", ("lib/bundled/libcrypto.so.3",)),
        ),
        application=("shop", "1.0"),
        unpublished=("shop",),
    )


def read(path: str) -> bytes | None:
    """A file of it."""
    text = FILES.get(path)
    return text.encode() if text is not None else None
