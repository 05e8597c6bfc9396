"""`pyvenv.cfg` of a bundle names no place."""

from __future__ import annotations

from bundler.rewrite.pyvenv_cfg import parse, pyvenv_cfg


def test_pyvenv_cfg_names_no_place_and_is_read_back() -> None:
    config = parse(pyvenv_cfg("3.12.1", "my prompt", "0.1").decode())
    assert "home" not in config
    assert config["include-system-site-packages"] == "false"
    assert config["version"] == config["version_info"] == "3.12.1"
    assert config["python-version"] == "3.12"
    assert config["relocatable"] == "true"
    assert config["prompt"] == "my prompt"
