#!/bin/sh
# spdx-tools writes SPDX 2.3 in JSON that the standard's own JSON schema refuses: PACKAGE_MANAGER for PACKAGE-MANAGER.
#
# Versions: spdx-tools 0.8.5, lib4sbom 0.10.4 (for its copy of the schema of SPDX 2.3), jsonschema 4.26.0.
# Behaviour: a package with a package URL, by the library's own model and writer. The library's validator has nothing to say. The schema knows
#   the categories OTHER, PERSISTENT-ID, SECURITY and PACKAGE-MANAGER; the writer puts the name of its enum's member there, with `_`.
# For a packer: the word has to be changed in what was written; the library's parser takes both.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export PIP_DISABLE_PIP_VERSION_CHECK=1
cannot() { echo "cannot be run here: $*" >&2; exit 77; }

"${PYTHON:-python3}" -m venv tools || cannot "python3 has no venv"
tools/bin/python -m pip install -q spdx-tools==0.8.5 jsonschema==4.26.0 >&2 || cannot "no spdx-tools 0.8.5 and jsonschema 4.26.0 from PyPI"
tools/bin/python -m pip install -q --no-deps lib4sbom==0.10.4 >&2 || cannot "no lib4sbom 0.10.4 from PyPI"

cat >ask.py <<'END'
import io
import json
from datetime import datetime
from importlib.resources import files

from jsonschema import Draft7Validator
from spdx_tools.spdx.model import (
    Actor, ActorType, CreationInfo, Document, ExternalPackageRef, ExternalPackageRefCategory, Package, Relationship,
    RelationshipType, SpdxNoAssertion,
)
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from spdx_tools.spdx.writer.json.json_writer import write_document_to_stream

creation = CreationInfo(
    "SPDX-2.3", "SPDXRef-DOCUMENT", "x", "https://example.org/x", [Actor(ActorType.TOOL, "x")], datetime(2000, 1, 1)
)
purl = ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", "pkg:pypi/six@1.17.0")
package = Package("SPDXRef-six", "six", SpdxNoAssertion(), files_analyzed=False, external_references=[purl])
described = Relationship("SPDXRef-DOCUMENT", RelationshipType.DESCRIBES, "SPDXRef-six")
document = Document(creation, packages=[package], relationships=[described])
text = io.StringIO()
write_document_to_stream(document, text)
schema = json.loads((files("lib4sbom") / "schemas/spdx/2.3-schema.json").read_text())
errors = [error.message for error in Draft7Validator(schema).iter_errors(json.loads(text.getvalue()))]
print("the library's validator:", len(validate_full_spdx_document(document)), "faults")
print("the standard's schema:", *errors)
END

expected="the library's validator: 0 faults
the standard's schema: 'PACKAGE_MANAGER' is not one of ['OTHER', 'PERSISTENT-ID', 'SECURITY', 'PACKAGE-MANAGER']"
seen=$(tools/bin/python ask.py 2>"$work/said") || :
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { printf '\nThis has changed. It was:\n%s\n' "$expected"; cat "$work/said"; exit 1; } >&2
