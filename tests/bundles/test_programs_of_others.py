"""What other people wrote does its work from a moved bundle in a bare root: it prints, plays, calculates and serves."""

from __future__ import annotations

import glob
import json
from pathlib import Path

import pytest

from tests.material.environments import SLIM, pack, quick_environment, run
from tests.material.gobject import gi_environment, need_gi
from tests.material.isolation import ENVIRONMENT, in_root
from tests.material.programs import need
from tests.material.servers import need_library

pytestmark = pytest.mark.everything
HOME = {**ENVIRONMENT, "HOME": "/tmp"}


def moved(environment: Path, *options: str) -> Path:
    """A bundle of an environment, which lies no longer where it was made."""
    pack(environment, environment.with_name("packed"), *SLIM, *options)
    return environment.with_name("packed").rename(environment.with_name("bundle"))


def test_weasyprint_prints_with_the_application_s_own_font(tmp_path: Path, root: Path) -> None:
    need_library("libpangoft2-1.0.so.0", "libpangoft2-1.0-0")
    fonts = glob.glob("/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf")
    if not fonts:
        pytest.skip("this machine has no DejaVuSerif.ttf (apt-get install fonts-dejavu-core)")
    environment = quick_environment(tmp_path / "env", ["weasyprint", "pypdf"])
    bundle = moved(environment, "--add", f"{fonts[0]}=share/fonts/app.ttf")
    code = """
import pypdf, sys, weasyprint
from weasyprint.text.fonts import FontConfiguration
fonts = FontConfiguration()
rule = "@font-face { font-family: Packed; src: url(file://%s/share/fonts/app.ttf) } body { font-family: Packed }" % sys.prefix
style = weasyprint.CSS(string=rule, font_config=fonts)
weasyprint.HTML(string="<h1>Größe</h1><p>of bundles").write_pdf("/tmp/out.pdf", stylesheets=[style], font_config=fonts)
page = pypdf.PdfReader("/tmp/out.pdf").pages[0]
print(*page.extract_text().split())
for font in page["/Resources"]["/Font"].values():
    data = font["/DescendantFonts"][0]["/FontDescriptor"]["/FontFile2"].get_data()
    print(font["/BaseFont"].partition("+")[2].partition("-")[0], len(data) > 1000)
print(*sorted({line.split()[-1] for line in open("/proc/self/maps") if "libpango-" in line}))
"""
    done = in_root(root, bundle, ["/opt/app/bin/python", "-c", code], env=HOME)
    words, *fonts, library = done.stdout.splitlines() or [done.stderr]
    assert words == "Größe of bundles", done.stderr
    assert {*fonts} == {"Packed True"}
    assert library == "/opt/app/lib/bundled/libpango-1.0.so.0"


NOTEBOOK = """
%matplotlib inline
import matplotlib.pyplot, subprocess, sys
matplotlib.pyplot.plot([3, 1, 2])
print(sys.prefix, subprocess.check_output([sys.executable, "-c", "print(6 * 7)"], text=True))
"""


def test_a_notebook_is_executed_by_the_bundle_s_kernel(tmp_path: Path, root: Path) -> None:
    bundle = moved(quick_environment(tmp_path / "env", ["nbclient", "ipykernel", "matplotlib"]))
    cell: dict[str, object] = {
        "cell_type": "code",
        "execution_count": None,
        "id": "one",
        "metadata": {},
        "outputs": [],
        "source": NOTEBOOK,
    }
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (root / "tmp/notebook.ipynb").write_text(json.dumps(notebook))
    done = in_root(root, bundle, ["/opt/app/bin/jupyter", "execute", "--inplace", "/tmp/notebook.ipynb"], env=HOME)
    assert done.returncode == 0, done.stderr
    outputs = json.loads((root / "tmp/notebook.ipynb").read_text())["cells"][0]["outputs"]
    assert ["".join(one["text"]) for one in outputs if one["output_type"] == "stream"] == ["/opt/app 42\n\n"]
    assert any("image/png" in one.get("data", {}) for one in outputs)


SETTINGS = """
SECRET_KEY, ALLOWED_HOSTS, ROOT_URLCONF, STATIC_URL = "secret", ["127.0.0.1"], "shop", "static/"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/tmp/shop.db"}}
INSTALLED_APPS = ["django.contrib." + name for name in ("admin", "auth", "contenttypes", "sessions", "messages")]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
              "django.contrib.messages.middleware.MessageMiddleware"]
PROCESSORS = ["django.contrib." + name for name in ("auth.context_processors.auth", "messages.context_processors.messages")]
PROCESSORS.append("django.template.context_processors.request")
ENGINE = "django.template.backends.django.DjangoTemplates"
TEMPLATES = [{"BACKEND": ENGINE, "APP_DIRS": True, "OPTIONS": {"context_processors": PROCESSORS}}]
"""
SHOP = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "shop_settings"
from django.contrib import admin
from django.core.wsgi import get_wsgi_application
from django.urls import path
application = get_wsgi_application()
urlpatterns = [path("admin/", admin.site.urls)]
"""
VISIT = """
import re, ssl, subprocess, sys, urllib.request
subprocess.run([sys.executable, "-m", "django", "migrate", "--settings=shop_settings", "-v0"], check=True)
files = ["--certfile", "/tmp/certificate.pem", "--keyfile", "/tmp/key.pem"]
start = ["/opt/app/bin/start", "--bind", "127.0.0.1:0", "--workers", "2", *files]
with subprocess.Popen(start, stderr=subprocess.PIPE, text=True) as server:
    try:
        (address,) = next(filter(None, (re.findall("Listening at: (https://[0-9.:]+)", line) for line in server.stderr)))
        trusted = ssl.create_default_context(cafile="/tmp/certificate.pem")
        with urllib.request.urlopen(f"{address}/admin/login/", context=trusted) as page:
            print(page.status, re.search("<title>(.*)</title>", page.read().decode())[1])
    finally:
        server.terminate()
        server.communicate()
print(server.returncode)
"""


def test_django_under_gunicorn_serves_pages_by_tls(tmp_path: Path, root: Path) -> None:
    environment = quick_environment(tmp_path / "env", ["django", "gunicorn", "tzdata"])
    packages = next(environment.glob("lib/python*/site-packages"))
    (packages / "shop_settings.py").write_text(SETTINGS)
    (packages / "shop.py").write_text(SHOP)
    bundle = moved(environment, "--entry", "bin/gunicorn shop")
    files: list[str | Path] = ["-keyout", root / "tmp/key.pem", "-out", root / "tmp/certificate.pem"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    run([need("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *files, *name])
    done = in_root(root, bundle, ["/opt/app/bin/python", "-c", VISIT], env=HOME)
    assert done.stdout.splitlines() == ["200 Log in | Django site admin", "0"], done.stderr


PLAY = """
import gi, os
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
def play(words):
    pipeline = Gst.parse_launch(words)
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(60 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    print(message.type.first_value_nick)
    pipeline.set_state(Gst.State.NULL)
play("audiotestsrc num-buffers=100 ! audioconvert ! vorbisenc ! oggmux ! filesink location=/tmp/tone.ogg")
play("filesrc location=/tmp/tone.ogg ! decodebin ! audioconvert ! audio/x-raw,format=S16LE ! filesink location=/tmp/tone.raw")
print(*{line.split()[-1] for line in open("/proc/self/maps") if "gstvorbis" in line})
"""


def test_gstreamer_writes_a_tone_and_plays_it_to_a_file(tmp_path: Path, root: Path) -> None:
    need_gi()
    need_library("girepository-1.0/Gst-1.0.typelib", "gir1.2-gstreamer-1.0")
    need_library("gstreamer-1.0/libgstvorbis.so", "gstreamer1.0-plugins-base")
    environment = gi_environment(tmp_path / "env")
    (next(environment.glob("lib/python3*/site-packages")) / "play.py").write_text(PLAY)
    bundle = moved(environment)
    done = in_root(root, bundle, ["/opt/app/bin/python", "-m", "play"], env=HOME)
    assert done.stdout.splitlines() == ["eos", "eos", "/opt/app/lib/bundled/gstreamer-1.0/libgstvorbis.so"], done.stderr
    tone = memoryview((root / "tmp/tone.raw").read_bytes()).cast("h")
    assert (len(tone), max(tone) > 8000) == (100 * 1024, True)
