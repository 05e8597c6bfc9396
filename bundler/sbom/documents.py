"""A bill of materials as a document, in one of the forms."""

from __future__ import annotations

from bundler.options import SbomFormat
from bundler.sbom.bill import Bill


def write_bill(bill: Bill, form: SbomFormat) -> bytes:
    """The document: the same bytes for the same bill."""
    match form:
        case SbomFormat.CYCLONEDX:
            from bundler.sbom.cyclonedx import write_cyclonedx

            return write_cyclonedx(bill)
        case SbomFormat.SPDX:
            from bundler.sbom.spdx import write_spdx

            return write_spdx(bill)
