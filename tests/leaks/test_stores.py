"""Files that hold credentials by their purpose are read by their names' rules."""

from __future__ import annotations

import random

import pytest

from bundler.leaks.stores import is_of_tools, store_of
from tests.leaks.scanned import kinds
from tests.material import secrets

WORD = "k7#Qz" + "-9vLm2"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("lib/app/.env", f"DEBUG=1\nDB_PASSWORD={WORD}\n"),
        ("lib/app/.env.production", f"export API_KEY='{WORD}'\n"),
        ("lib/app/prod.env", f'SECRET_KEY="{WORD}"\n'),
        ("lib/app/secrets.toml", f'[db]\npassword = "{WORD}"\n'),
        ("lib/app/secrets.yaml", f"db:\n  password: {WORD}\n"),
        ("lib/app/credentials.json", f'{{"client_id": "app", "client_secret": "{WORD}"}}'),
        ("lib/app/prod.tfvars", f'db_password = "{WORD}"\n'),
        (".netrc", f"machine pypi.corp.net\n  login app\n  password {WORD}\n"),
        (".netrc", f"machine pypi.corp.net login app password {WORD}\n"),
        (".pypirc", f"[pypi]\nusername = app\npassword = {WORD}\n"),
        (".npmrc", f"//npm.corp.net/:_authToken={WORD}\n"),
        (".pgpass", f"db.corp.net:5432:*:app:{WORD}\n"),
        (".aws/credentials", f"[default]\naws_secret_access_key = {WORD}\n"),
        (".docker/config.json", '{"auths": {"corp.net": {"auth": "YXBwOms3I1F6LTl2TG0y"}}}'),
        ("etc/.htpasswd", "app:$apr1$k7Qz9vLm$2pQrStUvWxYzk83jd7hw\n"),
    ],
)
def test_a_secret_is_found_in_what_keeps_secrets(path: str, text: str) -> None:
    for size in (3, 1 << 20):
        assert kinds(text.encode(), path, size=size) == ["assigned-secret"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("lib/app/.env", "DEBUG=1\nHOST=0.0.0.0\nAUTHOR=Zoe Miller\nPASSWORD=\nTOKEN_FILE=/run/secrets/token\n"),
        (
            "lib/app/.env",
            "API_KEY=your-api-key\nSECRET=${SECRET}\nPASSWORD=changeme\nTOKEN_URL=https://corp.net/token\n",
        ),
        ("lib/app/.env.example", f"DB_PASSWORD={WORD}\n"),
        ("lib/app/settings.py", f"DB_PASSWORD = '{WORD}'\n"),
        ("lib/app/env.py", f"DB_PASSWORD = '{WORD}'\n"),
        ("lib/app/.pypirc", "[distutils]\nindex-servers =\n    pypi\n"),
    ],
)
def test_settings_templates_and_names_of_places_are_none(path: str, text: str) -> None:
    assert kinds(text.encode(), path) == []


def test_a_random_value_counts_whatever_it_is_called(chosen: random.Random) -> None:
    assert kinds(f"SENTRY_DSN={secrets.letters(chosen, 32)}\n".encode(), ".env") == ["assigned-secret"]
    assert kinds(b"MESSAGE=some words that are quite long, really\n", ".env") == []


def test_names_of_stores_are_told_from_others() -> None:
    stores = (
        "a/.netrc",
        ".ssh/id_rsa",
        "home/.config/gcloud/x.json",
        "a/b/.env",
        "credentials",
        "x.tfvars",
        "pip.conf",
    )
    assert [path for path in stores if store_of(path) is None] == []
    others = (
        "a/netrc.py",
        "lib/ssh/id_rsa",
        ".envs/x",
        "a/environment",
        "a/.env.sample",
        "credentials.py",
        "lib/dotenv/main.py",
    )
    assert [path for path in others if store_of(path) is not None] == []
    of_tools = [path for path in (*stores, *others) if is_of_tools(path)]
    assert of_tools == ["a/.netrc", ".ssh/id_rsa", "home/.config/gcloud/x.json"]
