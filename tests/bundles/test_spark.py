"""Spark: executors that run from the archive, started from a bundle, with the environment that both came from out of reach."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.material.environments import make, pack
from tests.material.interpreters import main_python
from tests.material.isolation import hidden
from tests.material.programs import need

DRIVER = """
import json, sys
from pyspark.sql import SparkSession

build = SparkSession.builder.master("local-cluster[2,1,512]").config("spark.archives", sys.argv[1] + "#environment")
for setting in ("spark.driver.bindAddress=127.0.0.1", "spark.driver.host=127.0.0.1", "spark.ui.enabled=false"):
    build = build.config(*setting.split("="))
spark = build.config("spark.executor.memory", "512m").getOrCreate()

def where(_):
    import ssl
    yield sys.prefix, ssl.__file__

found = spark.sparkContext.parallelize(range(4), 2).mapPartitions(where).collect()
rows = spark.createDataFrame([(n, n * n) for n in range(100)], ["n", "square"]).groupBy().sum("square").collect()
print(json.dumps([sys.prefix, found, rows[0][0]]))
spark.stop()
"""


@pytest.mark.everything
def test_a_spark_job_s_executors_run_from_the_archive(tmp_path: Path) -> None:
    need("java")
    python = main_python()
    environment = make("venv", python, tmp_path / "env", ["pyspark<4", "setuptools"])
    archive, bundle = tmp_path / "environment.tar.gz", tmp_path / "driver"
    pack(environment, archive, "--level", "1", "--no-verify", "-q")
    pack(environment, bundle, "--no-verify", "-q")
    (tmp_path / "job.py").write_text(DRIVER)
    variables = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "PYSPARK_PYTHON": "./environment/bin/python",
        "SPARK_LOCAL_DIRS": str(tmp_path / "local"),
        "SPARK_WORKER_DIR": str(tmp_path / "work"),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    command = [bundle / "bin/python", tmp_path / "job.py", archive]
    done = hidden([environment, *python.places], command, env=variables, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    driver, executors, total = json.loads(done.stdout.splitlines()[-1])
    assert driver == str(bundle)
    assert total == sum(n * n for n in range(100))
    assert len(executors) == 2
    for prefix, module in executors:
        assert prefix.endswith("/environment") and not prefix.startswith(str(bundle) + "/bin")
        assert module.startswith(prefix)
