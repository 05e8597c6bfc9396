"""`Manifest` to JSON."""

from __future__ import annotations

import json

from bundler.manifest.model import FileFact, Manifest


def write_manifest(manifest: Manifest) -> bytes:
    """The bytes of `bundle.json`: ASCII, keys in a fixed order, one line a file."""
    head = {
        "schema": manifest.schema,
        "bundler": manifest.bundler,
        "python": {
            "implementation": manifest.python.implementation,
            "version": manifest.python.version,
            "executable": manifest.python.executable,
            "stdlib": manifest.python.stdlib,
            "site_packages": manifest.python.site_packages,
            "extension_suffixes": manifest.python.extension_suffixes,
        },
        "platform": {
            "system": "linux",
            "machine": manifest.machine,
            "libc": "glibc",
            "floor": manifest.libc_floor,
            "floor_file": manifest.floor_file,
            "floor_symbol": manifest.floor_symbol,
        },
        "distributions": [{"name": name, "version": version} for name, version in manifest.distributions],
        "libraries": {
            "bundled": [
                {"path": fact.path, "origin": fact.origin, "needed_by": fact.needed_by}
                | ({"licence": fact.licence} if fact.licence else {})
                for fact in manifest.bundled
            ],
            "host": manifest.host_libraries,
            "missing": [{"path": missing.path, "needed": missing.needed} for missing in manifest.missing],
        },
        "import_failures": dict(manifest.import_failures),
        "warnings": manifest.warnings,
        "changed": [
            {"path": change.path, "origin": change.origin, "reason": change.reason} for change in manifest.changed
        ],
    }
    text = json.dumps(head, indent=1)
    files = ",\n".join(f"  {json.dumps(path)}: {json.dumps(_file(fact))}" for path, fact in manifest.files.items())
    return (text[: text.rindex("\n}")] + ',\n "files": {\n' + files + "\n }\n}\n").encode("ascii")


def _file(fact: FileFact) -> dict[str, str | int | None]:
    if fact.link is not None:
        return {"link": fact.link, "origin": fact.origin}
    return {"sha256": fact.sha256, "size": fact.size, "origin": fact.origin}
