"""Whether documents are valid: by the schemas of both standards, and by what the schema of SPDX cannot say."""

from __future__ import annotations

import json
import tempfile
from importlib.resources import files
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from jsonschema import Draft7Validator
from spdx_tools.spdx.parser.json.json_parser import parse_from_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from bundler.options import SbomFormat


def faults(data: bytes | str, form: SbomFormat | str) -> list[str]:
    """What is wrong with a document."""
    text = data if isinstance(data, str) else data.decode()
    if SbomFormat(form) is SbomFormat.CYCLONEDX:
        error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
        return [] if error is None else [str(error)]
    schema = json.loads((files("lib4sbom") / "schemas/spdx/2.3-schema.json").read_text())
    found = [error.message for error in Draft7Validator(schema).iter_errors(json.loads(text))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "app.spdx.json"
        path.write_text(text)
        messages = validate_full_spdx_document(parse_from_file(str(path), "utf-8"))
    return [*found, *(message.validation_message for message in messages)]
