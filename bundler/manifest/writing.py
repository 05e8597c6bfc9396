"""`Manifest` to JSON."""

from __future__ import annotations

import dataclasses
import json
from json.encoder import encode_basestring_ascii as _text

from bundler.floor import Floor
from bundler.host_package import HostPackage
from bundler.manifest.model import USUAL_MODE, FileFact, LibraryFact, Manifest, PackageFact, RecordedOptions
from bundler.scheme import BundleScheme


def write_manifest(manifest: Manifest) -> bytes:
    """The bytes of `bundle.json`: ASCII, keys in a fixed order, one line a file."""
    floor = manifest.floor
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
            "library": manifest.python.library,
            **_package(manifest.python.package),
            **({"licence_files": manifest.python.licence_files} if manifest.python.licence_files else {}),
            "scheme": _scheme(manifest.python.scheme),
        },
        "platform": {
            "system": manifest.system,
            "machine": manifest.machine,
            "libc": manifest.libc,
            "floor": floor.text if floor else None,
            "floor_of": floor.system if floor else None,
            "floor_file": floor.file if floor else None,
            "floor_symbol": floor.reason if floor else None,
            "floor_without": floor.text_without if floor else None,
            "ceiling": dataclasses.asdict(manifest.ceiling),
        },
        **(
            {"application": dict(zip(("name", "version"), manifest.application, strict=True))}
            if any(manifest.application)
            else {}
        ),
        "distributions": [{"name": name, "version": version} for name, version in manifest.distributions],
        **({"unpublished": manifest.unpublished} if manifest.unpublished else {}),
        "libraries": {
            "bundled": [_bundled(fact) for fact in manifest.bundled],
            "host": manifest.host_libraries,
            **({"loader": manifest.loader} if manifest.loader else {}),
            **({"host_libc": _host_libc(manifest.host_libc)} if manifest.host_libc else {}),
            "asked_of_target": dict(manifest.asked_of_target),
            "missing": [{"path": missing.path, "needed": missing.needed} for missing in manifest.missing],
            **({"unprovided": [*map(dataclasses.asdict, manifest.unprovided)]} if manifest.unprovided else {}),
            **({"unbound": [*map(dataclasses.asdict, manifest.unbound)]} if manifest.unbound else {}),
            "opened": [dataclasses.asdict(opened) for opened in manifest.opened],
            "companions": [fact._asdict() for fact in manifest.companions],
            **(
                {"companion_packages": [*map(_companion_package, manifest.companion_packages)]}
                if manifest.companion_packages
                else {}
            ),
            "compiled_in": [path._asdict() for path in manifest.compiled_in],
        },
        "import_failures": None if manifest.import_failures is None else dict(manifest.import_failures),
        **({"entry": manifest.entry} if manifest.entry else {}),
        **({"start_module": manifest.start_module} if manifest.start_module else {}),
        **({} if manifest.options is None else _options(manifest.options)),
        **({"empty_folders": manifest.empty_folders} if manifest.empty_folders else {}),
        "warnings": manifest.warnings,
        "changed": [
            {"path": change.path, "origin": change.origin, "reason": change.reason} for change in manifest.changed
        ],
    }
    text = json.dumps(head, indent=1)
    files = ",\n".join(f"  {_text(path)}: {_file(fact)}" for path, fact in manifest.files.items())
    return (text[: text.rindex("\n}")] + ',\n "files": {\n' + files + "\n }\n}\n").encode("ascii")


def _bundled(fact: LibraryFact) -> dict[str, object]:
    return {
        "path": fact.path,
        "origin": fact.origin,
        "needed_by": fact.needed_by,
        **({"licence": fact.licence} if fact.licence else {}),
        **({"copyleft": fact.copyleft.value} if fact.copyleft.value else {}),
        **_package(fact.package),
        **({"licence_files": fact.licence_files} if fact.licence_files else {}),
    }


def _companion_package(fact: PackageFact) -> dict[str, object]:
    return {
        **_package(fact.package),
        "paths": fact.paths,
        **({"licence": fact.licence} if fact.licence else {}),
        **({"licence_files": fact.licence_files} if fact.licence_files else {}),
    }


def _package(package: HostPackage | None) -> dict[str, object]:
    """The member `package`; what is not known of it is left out."""
    if package is None:
        return {}
    told = {**package._asdict(), "kind": package.kind.value}
    return {"package": {name: value for name, value in told.items() if value}}


def _scheme(scheme: BundleScheme) -> dict[str, object]:
    """Every place but the two that `python` names already."""
    places = dataclasses.asdict(scheme)
    return {name: place for name, place in places.items() if name not in ("executable", "stdlib")}


def _host_libc(floor: Floor) -> dict[str, str]:
    return {"from": floor.text, "file": floor.file, "symbol": floor.reason}


def _options(options: RecordedOptions) -> dict[str, object]:
    return {"options": dict(options.values), "configured_options": options.configured}


def _file(fact: FileFact) -> str:
    """One line of JSON, put together by hand: there are tens of thousands."""
    origin = _text(fact.origin)
    if fact.link is not None:
        return f'{{"link": {_text(fact.link)}, "origin": {origin}}}'
    digest = f'"{fact.sha256}"' if fact.sha256 is not None else "null"
    mode = "" if fact.mode == USUAL_MODE else f', "mode": "{fact.mode:o}"'
    return f'{{"sha256": {digest}, "size": {fact.size}, "origin": {origin}{mode}}}'
