"""Writes numpy-pickles.json: pickles made by numpy itself and what they hold.

Run it once with numpy 1.26 and once with numpy 2 and more: each run replaces the rows of its own major version.
    python numpy-pickles.py
"""

import json
import pathlib
import pickle

import numpy as np

OUT = pathlib.Path(__file__).with_suffix(".json")
major = np.__version__.split(".")[0]
rows = []


def add(name, array, readable=True, dumps=True):
    pickles = {f"protocol {p}": pickle.dumps(array, protocol=p) for p in (2, 3, 4, 5)}
    if dumps:
        pickles["dumps"] = array.dumps()
    for how, data in pickles.items():
        row = {"name": name, "numpy": np.__version__, "how": how, "pickle": data.hex()}
        if readable:
            row["dtype"] = array.dtype.newbyteorder("=").name
            row["shape"] = list(array.shape)
            row["data"] = [repr(x) for x in array.ravel(order="C").tolist()]
            row["contiguous"] = bool(array.flags.c_contiguous) and array.dtype.byteorder != ">"
        rows.append(row)


for code in "? i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8".split():
    dtype = np.dtype(code)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        values = np.array([info.min, info.max, 0, 1, 98, 60], dtype)
    elif dtype.kind == "f":
        info = np.finfo(dtype)
        values = np.array([1.5, -0.0, np.nan, np.inf, -np.inf, 0.1, info.max, info.smallest_subnormal], dtype)
    else:
        values = np.array([True, False, True, True], dtype)
    add(f"{dtype.name} vector", values)
    add(f"{dtype.name} big-endian", values.astype(dtype.newbyteorder(">")))
    add(f"{dtype.name} Fortran", np.asfortranarray(values.reshape(2, -1)))
    add(f"{dtype.name} scalar array", values[:1].reshape(()))
    add(f"{dtype.name} empty", values[:0])
add("four dimensions", np.arange(24, dtype="i4").reshape(2, 3, 1, 4))
add("four dimensions, Fortran, big-endian", np.asfortranarray(np.arange(48, dtype=">u2").reshape(2, 3, 2, 4)))
add("ten dimensions", np.arange(2, dtype="u1").reshape((1,) * 9 + (2,)))
add("a dimension of length 0", np.zeros((3, 0, 70000), "f8"))
add("300 elements", np.arange(300, dtype="i2"))
add("a dimension beyond 32 bits", np.zeros((0, 3_000_000_000), "u1"))
add("every second element", np.arange(20, dtype="f8")[::2])
add("transposed", np.arange(6, dtype="i8").reshape(2, 3).T)
add("one byte 'b'", np.array([98], "u1"))
add("one byte '|'", np.array([124], "i1"))
add("one byte 0x80", np.array([128], "u1"))

add("complex", np.array([1 + 2j]), readable=False)
add("text", np.array(["ab", "c"]), readable=False)
add("bytes", np.array([b"ab", b"c"]), readable=False)
add("datetime", np.array(["2026-04-01"], "M8[D]"), readable=False)
add("structured", np.array([(1, 2.5)], [("a", "i4"), ("b", "f8")]), readable=False)
add("objects", np.array(["a", None, {"a": 1}], object), readable=False)
add("void", np.array([b"ab"], "V2"), readable=False)
add("a dtype with metadata", np.array([1], np.dtype("i4", metadata={"a": 1})), readable=False)
add("a subclass", np.array([1.0]).view(np.matrix), readable=False)
add("masked", np.ma.array([1.0, 2.0], mask=[0, 1]), readable=False)
add("a dtype", np.dtype("f8"), readable=False, dumps=False)
add("a numpy scalar", np.float64(1.5), readable=False)

kept = json.loads(OUT.read_text()) if OUT.exists() else []
kept = [row for row in kept if row["numpy"].split(".")[0] != major]
lines = sorted(kept + rows, key=lambda row: row["numpy"].split(".")[0])
OUT.write_text("[\n" + ",\n".join(json.dumps(row) for row in lines) + "\n]\n")
