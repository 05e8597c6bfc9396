"""What is written beside a bundle is there when the bundle is, and never before, in part, or in place of something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.beside import Beside, check_beside, check_folder, written_beside
from bundler.destination import ToDirectory, ToFile, ToStandardOutput
from bundler.errors import BadOption, OutputExists, OutputFailed
from bundler.formats import archive_named
from bundler.options import ContentOptions, PackOptions, SbomFormat
from bundler.sbom.texts import COLUMNS

INDEX = (",".join(COLUMNS) + "\nx,1,library,MIT,,,x-1/COPYING\n").encode()
TEXTS = {"x-1/COPYING": b"text\n", "index.csv": INDEX}


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_all_of_it_has_its_names_when_the_block_ends_and_not_before(tmp_path: Path) -> None:
    bill, texts = tmp_path / "app.cdx.json", tmp_path / "texts"
    with written_beside(Beside({str(bill): b"{}\n"}, str(texts), TEXTS)):
        assert not bill.exists() and not texts.exists()
    assert bill.read_bytes() == b"{}\n" and bill.stat().st_mode & 0o777 == 0o644
    assert names(tmp_path) == ["app.cdx.json", "texts/index.csv", "texts/x-1/COPYING"]


def test_where_the_bundle_is_not_put_in_place_nothing_is_left_and_what_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "app.cdx.json").write_text("before")
    beside = Beside({str(tmp_path / "app.cdx.json"): b"{}\n"}, str(tmp_path / "texts"), TEXTS)
    with pytest.raises(OutputFailed, match="no room"), written_beside(beside):
        raise OutputFailed("no room")
    assert names(tmp_path) == ["app.cdx.json"] and (tmp_path / "app.cdx.json").read_text() == "before"


def test_what_cannot_be_written_is_told_before_the_bundle_is_put_in_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "app.cdx.json").mkdir()
    reached = []
    for beside in (
        Beside({str(tmp_path / "app.cdx.json"): b"{}"}),
        Beside({str(tmp_path / "no/app.cdx.json"): b"{}"}),
        Beside(folder=str(tmp_path / "file/texts"), texts=TEXTS),
    ):
        with pytest.raises((OutputFailed, OutputExists)), written_beside(beside):
            reached.append(beside)
    assert reached == [] and names(tmp_path) == ["file"]


def test_a_folder_of_an_earlier_time_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    for _ in range(2):
        with written_beside(Beside(folder=str(texts), texts=TEXTS)):
            pass
    check_folder(str(texts))
    (texts / "x-1/mine").write_text("x")
    with pytest.raises(OutputExists, match="x-1/mine"):
        check_folder(str(texts))
    with pytest.raises(OutputExists), written_beside(Beside(folder=str(texts), texts=TEXTS)):
        pass
    assert (texts / "x-1/mine").read_text() == "x"
    assert names(tmp_path) == ["texts/index.csv", "texts/x-1/COPYING", "texts/x-1/mine"]
    (tmp_path / "link").symlink_to("texts")
    with pytest.raises(OutputExists):
        check_folder(str(tmp_path / "link"))


def test_a_bill_that_is_there_is_replaced_with_force_alone(tmp_path: Path) -> None:
    out = str(tmp_path / "app")
    (tmp_path / "app.spdx.json").touch()
    options = PackOptions(content=ContentOptions(sbom=(SbomFormat.SPDX,)))
    with pytest.raises(OutputExists, match=r"app\.spdx\.json exists"):
        check_beside(options, ToDirectory(out), str(tmp_path / "env"))
    for destination in (
        ToDirectory(out, force=True),
        ToDirectory(out, update=True),
        ToFile(f"{out}.tar", archive_named("tar")),
    ):
        check_beside(options, destination, str(tmp_path / "env"))
    check_beside(PackOptions(content=options.content, dry_run=True), ToDirectory(out), str(tmp_path / "env"))


def test_a_folder_of_texts_lies_neither_in_the_bundle_nor_around_it(tmp_path: Path) -> None:
    environment, out = str(tmp_path / "env"), str(tmp_path / "app")
    for folder in (f"{out}/texts", f"{environment}/texts", str(tmp_path)):
        with pytest.raises(BadOption):
            check_beside(PackOptions(licences=folder), ToDirectory(out), environment)
    check_beside(PackOptions(licences=str(tmp_path / "texts")), ToStandardOutput(archive_named("tar")), environment)
