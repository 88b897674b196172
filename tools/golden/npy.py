"""Writes test/golden/npy.json: small .npy files and one .npz as NumPy writes them, in base64, and what they hold.

    python -m venv venv && venv/bin/pip install numpy && venv/bin/python tools/golden/npy.py
    npx biome format --write test/golden/npy.json
"""
import base64
import io
import json
import pathlib

import numpy


def saved(array, version=None):
    file = io.BytesIO()
    numpy.lib.format.write_array(file, numpy.asanyarray(array), version=version)
    return base64.b64encode(file.getvalue()).decode()


grid = numpy.arange(6).reshape(2, 3)
ARRAYS = {
    **{t: grid.astype(t) for t in "f4 f8 i1 i2 i4 i8 u1 u2 u4 u8".split()},
    "f2": numpy.array([0, -0.5, 1, 65504, 6e-8, numpy.inf, 3.14], "f2"),
    "bool": grid % 2 == 0,
    "big-endian f8": grid.astype(">f8") / 7,
    "big-endian i2": grid.astype(">i2") - 3,
    "fortran order": numpy.asfortranarray(numpy.arange(24, dtype="f4").reshape(2, 3, 4)),
    "scalar": numpy.array(2.5),
    "empty": numpy.zeros((0, 3), "f4"),
}
files = [
    dict(name=name, shape=list(a.shape), values=[str(v) for v in a.astype("f8").ravel()], npy=saved(a))
    for name, a in ARRAYS.items()
]
for version in ((2, 0), (3, 0)):
    a = grid.astype("f4")
    files.append(
        dict(name=f"version {version[0]}", shape=[2, 3], values=[str(float(v)) for v in a.ravel()], npy=saved(a, version))
    )
refused = {
    "complex": saved(numpy.ones(2, "c8")),
    "text": saved(numpy.array(["a", "b"])),
    "structured": saved(numpy.zeros(2, [("a", "f4"), ("b", "i4")])),
}
archive = io.BytesIO()
numpy.savez_compressed(archive, a=grid.astype("f4"), b=numpy.int64([-1, 2**40]))
path = pathlib.Path(__file__).parents[2] / "test" / "golden" / "npy.json"
npz = base64.b64encode(archive.getvalue()).decode()
path.write_text(json.dumps(dict(numpy=numpy.__version__, files=files, refused=refused, npz=npz)))
