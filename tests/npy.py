#!/usr/bin/python3
"""Arrays of NumPy in and out: every order, byte order and precision is read as NumPy reads it, what cannot be is refused
in one sentence. Usage: BUILD=build tests/npy.py     (MPIEXEC as in the Makefile)"""
import struct

import h5py
import numpy as np

from harness import check, done, folder, refused, totals

CASE = """grid:     {lower: [-6, -5], upper: [6, 5], cells: [24, 20]}
initial:  {type: samples, file: points.csv, smoothing: none}
target:   {type: gaussian, mean: [0, 0], covariance: [1, 0, 0, 1]}
energy:   {kl: 1}
geometry: {fisher_rao: 1}
time:     {end: 0.01, step: 0.01}
output:   {directory: out}
"""
KINDS = [("<f8", "C"), ("<f8", "F"), (">f8", "C"), (">f8", "F"), ("<f4", "C"), (">f4", "F")]


def density(directory):
    with h5py.File(f"{directory}/run.h5", "r") as file:
        return file["density"][0]


def samples(points):
    """The same points as CSV and as an array give the same density."""
    np.savetxt("points.csv", points, delimiter=",", header="x,y", comments="", fmt="%.17g")
    np.savetxt("single.csv", points.astype("f4"), delimiter=",", header="x,y", comments="", fmt="%.17g")
    for name in "points", "single":
        done(f"a run from {name}.csv", "run", "case.yaml", "-initial_file", f"{name}.csv", "-output_directory", name)
    for number, (kind, order) in enumerate(KINDS):
        np.save(f"{number}.npy", np.array(points, dtype=kind, order=order))
        done(f"a run from {kind} {order}", "run", "case.yaml", "-initial_file", f"{number}.npy",
             "-output_directory", f"out-{number}", ranks=1 + number % 2)
        same = density("single" if kind[2] == "4" else "points")
        check(f"{kind} {order} is read as NumPy reads it",  # the sum over two ranks is rounded in another order
              np.allclose(density(f"out-{number}"), same, rtol=1e-14 * (number % 2), atol=0))
    for save in np.savez, np.savez_compressed:
        save("packed.npz", points)
        done(f"a run from {save.__name__}", "run", "case.yaml", "-initial_file", "packed.npz", "-output_directory",
             save.__name__)
        check(f"{save.__name__} is read as NumPy reads it", np.array_equal(density(save.__name__), density("points")))
    np.save("swapped.npy", points[:, ::-1])
    done("columns by number", "run", "case.yaml", "-initial_file", "swapped.npy", "-initial_columns", "2,1",
         "-output_directory", "swapped")
    check("columns by number are those", np.array_equal(density("swapped"), density("points")))


def fields(random):
    """A density at the cells, as [ny][nx] in either order."""
    values = random.uniform(0.5, 1, (20, 24))
    for order in "CF":
        np.save(f"field{order}.npy", np.array(values, order=order))
        done(f"a density from {order}", "run", "case.yaml", "-initial_type", "file", "-initial_file",
             f"field{order}.npy", "-output_directory", f"field{order}")
        expected = values / (values.sum() * 0.25)
        check(f"it is that of the array, {order}", np.allclose(density(f"field{order}"), expected, rtol=1e-13, atol=0))


def chosen(points):
    """The array of an archive that holds the points."""
    np.savez("several.npz", x=points, y=points[:2])
    done("points from an archive of several", "run", "case.yaml", "-initial_file", "several.npz", "-initial_dataset", "x",
         "-output_directory", "several")
    check("they are those of the array that is named", np.array_equal(density("several"), density("points")))
    for file, status, words in ("several.npz", 4, "it holds x, y; the key dataset chooses one"), \
            ("points.csv", 2, "points.csv is a table; dataset chooses an array of a .npz file"), \
            ("swapped.npy", 4, "holds one array without a name"):
        more = [] if file == "several.npz" else ["-initial_dataset", "x"]
        refused(f"refused: dataset of {file}", status, words, "run", "case.yaml", "-initial_file", file, *more,
                "-output_directory", "no")
    done("particles from an archive of several", "particles", "case.yaml", "-initial_file", "several.npz", "-initial_dataset", "x",
         "-energy_kl", "0", "-energy_mmd", "1", "-kernel_type", "gaussian", "-kernel_bandwidth", "1", "-geometry_fisher_rao", "0", "-geometry_wasserstein", "1",
         "-particles_method", "mmd_flow", "-particles_count", "10", "-output_directory", "moved")


def archives(random):
    """An array of an archive by its name, for a density at the cells."""
    values = random.uniform(0.5, 1, (20, 24))
    np.savez_compressed("fields.npz", good=values, other=values[:3])
    done("a density from an archive", "run", "case.yaml", "-initial_type", "file", "-initial_file", "fields.npz",
         "-initial_dataset", "good", "-output_directory", "archive")
    check("it is that of the array that is named", np.allclose(density("archive"), values / (values.sum() * 0.25), rtol=1e-13))
    for name, words in ("bad", "has no array bad; it holds good, other"), ("other", "wrong shape"):
        refused(f"refused: array {name}", 4 if name == "bad" else 2, words, "run", "case.yaml", "-initial_type", "file",
                "-initial_file", "fields.npz", "-initial_dataset", name, "-output_directory", "no")


def clouds(points):
    """mudot sample writes an array, mudot compare reads it with and without weights."""
    for name in "cloud.csv", "cloud.npy", "cloud.h5":
        done(f"sample writes {name}", "sample", "points", "-n", 500, "-output", name)
    table = np.loadtxt("cloud.csv", delimiter=",", skiprows=2)
    drawn = np.load("cloud.npy")
    check("the array holds the points of the CSV file", np.array_equal(table, drawn) and drawn.dtype == float)
    np.save("weighted.npy", np.c_[drawn, np.linspace(1, 2, len(drawn))])
    np.savetxt("weighted.csv", np.load("weighted.npy"), delimiter=",", header="x,y,w", comments="", fmt="%.17g")
    for name in "cloud", "weighted":
        texts = [done(f"compare reads {name}.{kind}", "compare", "points", f"{name}.{kind}", "-time", 0).stdout
                 .replace(f".{kind}", "") for kind in ("csv", "npy")]
        check(f"{name}.npy is compared as {name}.csv", texts[0] == texts[1] and "metric" in texts[0])


def refusals(points):
    good = np.array(points)
    np.save("object.npy", np.array([None, 1]), allow_pickle=True)
    np.save("integers.npy", np.arange(8).reshape(4, 2))
    np.save("cube.npy", np.zeros((2, 2, 2)))
    np.save("scalar.npy", np.array(1.0))
    np.save("record.npy", np.zeros(3, dtype=[("x", "f8"), ("y", "f8")]))
    np.save("narrow.npy", good[:, :1])
    np.save("empty.npy", good[:0])
    np.save("nan.npy", np.where(np.arange(len(good))[:, None] == 4, np.nan, good))
    np.save("good.npy", good)
    whole = open("good.npy", "rb").read()
    open("cut.npy", "wb").write(whole[:-3])
    open("long.npy", "wb").write(whole + b"x")
    open("header.npy", "wb").write(whole[:40])
    open("version.npy", "wb").write(whole[:6] + b"\x09" + whole[7:])
    open("huge.npy", "wb").write(b"\x93NUMPY\x02\x00" + struct.pack("<I", 0x7fffffff) + whole[10:])
    np.savez("two.npz", a=good, b=good)
    np.savez_compressed("packed.npz", good)
    packed = bytearray(open("packed.npz", "rb").read())
    refused("refused: two arrays", 4, "one array is needed; it holds a, b", "run", "case.yaml", "-initial_file", "two.npz",
            "-output_directory", "no")
    for name, at in ("cut.npz", slice(0, 200)), ("spoilt.npz", slice(0, len(packed))):
        bad = packed[at]
        bad[150] ^= 0xff
        open(name, "wb").write(bad)
        refused(f"refused: {name}", 4, "the archive", "run", "case.yaml", "-initial_file", name, "-output_directory", "no")
    for name, status, words in [("object", 4, "type |O"), ("integers", 4, "allowed are float32 and float64"),
                                ("cube", 4, "one or two dimensions"), ("scalar", 4, "one or two dimensions"),
                                ("record", 4, "of a record"), ("narrow", 2, "has 1 columns; 2 are needed"),
                                ("empty", 2, "has no points"), ("nan", 2, "row 5, column 1: nan"),
                                ("cut", 4, "does not hold as many numbers"), ("long", 4, "does not hold as many"),
                                ("header", 4, "is cut off"), ("version", 4, "format"), ("huge", 4, "too long")]:
        refused(f"refused: {name}", status, words, "run", "case.yaml", "-initial_file", f"{name}.npy",
                "-output_directory", "no")


def main():
    random = np.random.default_rng(1)
    points = random.normal(size=(50, 2))
    with folder():
        open("case.yaml", "w").write(CASE)
        samples(points)
        fields(random)
        archives(random)
        chosen(points)
        clouds(points)
        refusals(points)
    totals()


main()
