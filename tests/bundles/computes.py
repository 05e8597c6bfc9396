"""A small computation with each package of a large environment (`test_large`)."""

import os
import sys

os.environ["MPLCONFIGDIR"] = os.environ["HOME"] = "/tmp"
import matplotlib
import numpy
import pandas
import scipy.linalg
import scipy.sparse

matplotlib.use("Agg")
import cv2
import duckdb
import joblib
import matplotlib.pyplot as plt
import PIL.Image
import polars
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import sklearn.ensemble
import sklearn.linear_model

a = numpy.arange(9.0).reshape(3, 3) + numpy.eye(3)
assert numpy.allclose(numpy.linalg.inv(a) @ a, numpy.eye(3)) and numpy.allclose(
    scipy.linalg.expm(numpy.zeros((2, 2))), numpy.eye(2)
)
frame = pandas.DataFrame({"a": [1, 2, 2], "b": [0.5, 1.5, 2.5]})
assert frame.groupby("a")["b"].sum().tolist() == [0.5, 4.0]
assert str(pandas.Timestamp("2026-01-01", tz="Europe/Berlin").utcoffset()) == "1:00:00"
model = sklearn.linear_model.LinearRegression().fit([[0], [1], [2]], [0, 2, 4])
assert abs(model.predict([[5]])[0] - 10) < 1e-9
sklearn.ensemble.RandomForestClassifier(5, n_jobs=2, random_state=0).fit([[0], [1]] * 5, [0, 1] * 5)
table = pyarrow.table({"x": [1, 2, 3]})
pyarrow.parquet.write_table(table, "/tmp/x.parquet", compression="zstd")
assert pyarrow.compute.sum(pyarrow.parquet.read_table("/tmp/x.parquet")["x"]).as_py() == 6
assert polars.read_parquet("/tmp/x.parquet").select(polars.col("x").sum()).item() == 6
assert duckdb.sql("select sum(x) from '/tmp/x.parquet'").fetchone() == (6,)
assert cv2.GaussianBlur(numpy.ones((8, 8), numpy.uint8), (3, 3), 0).sum() == 64
figure = plt.figure()
figure.gca().plot([1, 2, 3])
figure.savefig("/tmp/x.png")
assert PIL.Image.open("/tmp/x.png").size[0] > 100
assert joblib.Parallel(2)(joblib.delayed(abs)(n) for n in (-1, -2)) == [1, 2]
outside = sorted(
    {
        line.split()[-1]
        for line in open("/proc/self/maps")
        if ".so" in line and not line.split()[-1].startswith(sys.prefix)
    }
)
print("computed", outside)
