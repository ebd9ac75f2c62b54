#!/usr/bin/python3
"""Seeds of the fuzz targets beside the shipped cases, masks and tables: small grey maps, CSV and HDF5
files. Usage: tests/fuzz-seeds.py DIRECTORY   (makes DIRECTORY/pgm, csv, hdf5)"""
import io
import os
import sys

import h5py
import numpy as np

top = sys.argv[1]
for name in "pgm", "csv", "hdf5":
    os.makedirs(f"{top}/{name}", exist_ok=True)


def put(name, data):
    with open(f"{top}/{name}", "wb") as out:
        out.write(data)


put("pgm/text", b"P2\n# a comment\n3 2\n255\n0 128 255\n7 8 9\n")
put("pgm/bytes", b"P5 3 2 255\n" + bytes(range(6)))
put("pgm/words", b"P5\n2 2\n65535\n" + bytes(range(8)))
put("csv/header", b"\1x,y\n0.5,1\n-2e-3, 4\n")
put("csv/cloud", b"\1t,x,y,w\n0,0.5,1,2\n0,1,2,1\n1,3,4,1\n")
put("csv/plain", b"\0" + b"1\n2\n3\n")
header = b"{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2), }\n"
put("csv/array", b"\1\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + np.arange(4.0).tobytes())
archive = io.BytesIO()
np.savez_compressed(archive, np.arange(4.0).reshape(2, 2))
put("csv/archive", b"\1" + archive.getvalue())
put("csv/quoted", b'\3# comment\n"x","y"\r\n"1","2"\r\n')


def run(path, ny, version):
    shape = (4,) if ny == 1 else (ny, 4)
    with h5py.File(path, "w", libver=version) as f:
        f["grid/x"] = 0.5 + np.arange(4)
        if ny > 1:
            f["grid/y"] = 0.5 + np.arange(ny)
        f["grid/cell_volume"] = 1.0
        f["grid/mask"] = np.ones(shape, "u1")
        f["time"] = [0.0, 1.0]
        f["density"] = np.ones((2,) + shape)
        f["d"] = 1.0 + np.arange(4 * ny).reshape(shape)
        f["position"] = np.ones((2, 5, 2))
        f["weight"] = np.ones((2, 5))
        f.attrs["status"] = "done"
    with open(path, "rb") as f:
        return f.read()


for ny in 1, 3:
    for version in "earliest", "latest":  # the latest format has checksums
        put(f"hdf5/run-{ny}-{version}", b"\0" + run(f"{top}/run.h5", ny, version))
os.remove(f"{top}/run.h5")
case = b"grid: {lower: [0, 0], upper: [4, 3], cells: [4, 3]}\n"
put("hdf5/good", b"\1" + bytes(18) + case)
for how in range(18):
    put(f"hdf5/spoilt-{how:02d}", b"\1" + bytes([how, 5] * 9))
