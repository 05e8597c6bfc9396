"""`bundle.json`: what is inside a bundle, where each file came from, what was changed and why.

Names that are not UTF-8 are written with lone surrogates as JSON escapes, and come back as they were.
"""

from bundler.manifest.model import (
    SCHEMA,
    USUAL_MODE,
    ChangedFile,
    FileFact,
    LibraryFact,
    Manifest,
    MissingLibrary,
    OpenedFact,
    PackageFact,
    PythonFacts,
    RecordedOptions,
    RecordedValue,
    UnboundFact,
    UnprovidedFact,
)
from bundler.manifest.reading import read_contents, read_manifest, read_options
from bundler.manifest.writing import write_manifest

__all__ = [
    "SCHEMA",
    "USUAL_MODE",
    "ChangedFile",
    "FileFact",
    "LibraryFact",
    "Manifest",
    "MissingLibrary",
    "OpenedFact",
    "PackageFact",
    "PythonFacts",
    "RecordedOptions",
    "RecordedValue",
    "UnboundFact",
    "UnprovidedFact",
    "read_contents",
    "read_manifest",
    "read_options",
    "write_manifest",
]
