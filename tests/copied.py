#!/usr/bin/python3
"""A descriptor is what its file says, not what it is called: wasserstein.c, fisher_rao.c, stein.c and
mmd.c of geometry/, kl.c and mmd.c of energy/ and gaussian.c are copied under other names into a
scratch tree, with one line each in the tables, and the program is built there from the objects that
exist. Flows of the copies must equal those of the originals to the bit, on the grid and as
particles.

    tests/copied.py BUILD [--keep DIRECTORY] [--only WORD]

BUILD holds obj/ of a finished build. --only takes the systems with the word in their name."""
import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SUFFIX = "_copy"
ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_ess_singleton_isolated": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

COPIES = [  # file, name, symbol, file of the table
    ("geometry/wasserstein.c", "wasserstein", "MuPartWasserstein", "geometry/table.c"),
    ("geometry/fisher_rao.c", "fisher_rao", "MuPartFisherRao", "geometry/table.c"),
    ("geometry/stein.c", "stein", "MuPartStein", "geometry/table.c"),
    ("geometry/mmd.c", "mmd", "MuPartMmd", "geometry/table.c"),
    ("energy/kl.c", "kl", "MuTermKL", "energy/table.c"),
    ("energy/mmd.c", "mmd", "MuTermMmd", "energy/table.c"),
    ("kernel/gaussian.c", "gaussian", "MuKernelGaussian", "kernel/kernel.c"),
]
RENAMED = re.compile(r"\b(" + "|".join(sorted({name for _, name, _, _ in COPIES})) + r")\b")
BLOCKS = ("energy:", "geometry:", "kernel:", "output:")  # lines of a case in which names stand

LINE = """grid:     {lower: [-4], upper: [4], cells: [96], boundary: no_flux}
target:   {type: mixture, weights: [0.6, 0.4], means: [-1, 1.2], covariances: [0.5, 0.3]}
initial:  {type: mixture, means: [0.5], covariances: [1]}
"""
HIGH = LINE.replace("]}", "], background: 0.2}")
PLANE = """grid:     {lower: [-3, -3], upper: [3, 3], cells: [24, 24], boundary: no_flux}
target:   {type: mixture, means: [0.5, 0], covariances: [0.6, 0, 0, 0.4]}
initial:  {type: mixture, means: [0, -0.5], covariances: [1, 0, 0, 1]}
"""
KERNEL = "kernel:   {type: gaussian, bandwidth: 0.3}\n"
PEAK = "kernel:   {type: gaussian, bandwidth: 0.8, normalization: peak, extension: zero}\n"
TIME = "time:     {end: 0.2, step: 0.02}\n"

SYSTEMS = {  # name: (command, case)
    "fokker-planck": ("run", LINE + "energy:   {kl: 1}\ngeometry: {wasserstein: 0.7}\n" + TIME),
    "chi2": ("run", LINE + "energy:   {chi2: 1}\ngeometry: {wasserstein: 1}\n" + TIME),
    "drift": ("run", LINE + "energy:   {mmd: 1}\ngeometry: {wasserstein: 1, face_mean: upwind}\n"
              + KERNEL + TIME),
    "hellinger-kantorovich": ("run", PLANE + "energy:   {kl: 1, mmd: 0.5}\n"
                              "geometry: {wasserstein: 1, fisher_rao: 0.5}\n" + KERNEL + TIME),
    "spherical": ("run", LINE + "energy:   {kl: 1}\ngeometry: {wasserstein: 1, fisher_rao: 2, "
                  "spherical: true}\n" + TIME),
    "birth-death": ("run", LINE + "energy:   {kl: 1.5}\ngeometry: {fisher_rao: 1}\n" + TIME),
    "inclusive": ("run", LINE + "energy:   {inclusive_kl: 1}\ngeometry: {fisher_rao: 1}\n" + TIME),
    "fisher-rao-mmd": ("run", LINE + "energy:   {mmd: 1}\ngeometry: {fisher_rao: 1}\n" + KERNEL
                       + TIME),
    "split": ("run", LINE + "energy:   {kl: 1, chi2: 0.2}\ngeometry: {fisher_rao: 1}\n"
              "time:     {end: 0.2, step: 0.02, scheme: splitting}\n"),
    "stein": ("run", LINE + "energy:   {kl: 1}\ngeometry: {stein: 1}\n" + KERNEL + TIME),
    "ift": ("run", PLANE + "energy:   {mmd: 1}\ngeometry: {wasserstein: 1, mmd: 0.5, spherical: "
            "true}\n" + KERNEL + TIME),
    "mmd-ridge": ("run", HIGH + "energy:   {l2: 1}\ngeometry: {mmd: 1, ridge: 0.3}\n"
                  "kernel:   {type: matern, bandwidth: 0.3}\n" + TIME),
    "exact-balance": ("run", LINE + "energy:   {kl: 1}\ngeometry: {wasserstein: 1, fisher_rao: 1}\n"
                      "time:     {end: 0.1, step: 0.02, scheme: discrete_gradient}\n"),
    "diagnostics": ("run", LINE + "energy:   {chi2: 1}\ngeometry: {fisher_rao: 1}\n" + KERNEL + TIME
                    + "output:   {diagnostics: [kl, mmd]}\n"),
    "cloud-ift": ("particles", PLANE + "energy:   {mmd: 1}\ngeometry: {wasserstein: 4, mmd: 1, "
                  "spherical: true}\n" + PEAK + TIME + "particles: {method: ift, count: 60, seed: 1}\n"),
    "cloud-mmd": ("particles", PLANE + "energy:   {mmd: 1}\ngeometry: {wasserstein: 1}\n" + PEAK + TIME
                  + "particles: {method: mmd_flow, count: 60, seed: 1}\n"),
    "cloud-svgd": ("particles", LINE + "energy:   {kl: 1}\ngeometry: {stein: 1}\n" + KERNEL + TIME
                   + "particles: {method: svgd, count: 60, seed: 1}\n"),
    "cloud-langevin": ("particles", LINE + "energy:   {kl: 1}\ngeometry: {wasserstein: 1}\n" + TIME
                       + "particles: {method: langevin, count: 60, seed: 1}\n"),
    "cloud-weights": ("particles", PLANE + "energy:   {kl: 1}\ngeometry: {fisher_rao: 1}\n" + KERNEL
                      + TIME + "particles: {method: fisher_rao_weights, count: 60, seed: 1}\n"),
    "cloud-wfr": ("particles", PLANE + "energy:   {kl: 1}\ngeometry: {wasserstein: 1, fisher_rao: 1}\n"
                  + KERNEL + TIME + "particles: {method: wfr, count: 60, seed: 1}\n"),
}


class Mistake(Exception):
    """Something that cannot go on: one sentence."""


# ---------------------------------------------------------------- the scratch tree


def edit(path, change):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    changed = change(text)
    if changed == text:
        raise Mistake(f"{path}: nothing to change in it")
    with open(path, "w", encoding="utf-8") as file:
        file.write(changed)


def add_row(text, symbol):
    """The table with one more row at its end, and the declaration before it."""
    table = re.search(r"static (const \w+) \*(?:const )?\w+\[[^\]]*\] = \{[^}]*?(,?\s*)\};", text)
    if not table:
        raise Mistake(f"no table for {symbol}")
    row = f", &{symbol}" + "};"
    declared = f"extern {table.group(1)} {symbol};\n\n"
    return text[: table.start()] + declared + text[table.start() : table.start(2)] + row + text[table.end() :]


def copy_descriptor(tree, file, name, symbol, table):
    source = f"{tree}/src/{file}"
    copy = source[:-2] + SUFFIX + ".c"
    shutil.copy(source, copy)
    edit(copy, lambda text: re.sub(rf"\b{symbol}\b", symbol + "Copy", text))
    edit(copy, lambda text: text.replace(f'.name = "{name}"', f'.name = "{name}{SUFFIX}"'))
    edit(f"{tree}/src/{table}", lambda text: add_row(text, symbol + "Copy"))


def build(tree, objects):
    """Copies the sources and the objects, with their times, and makes what is missing."""
    shutil.copytree(f"{ROOT}/src", f"{tree}/src", symlinks=True)
    shutil.copy2(f"{ROOT}/Makefile", tree)
    shutil.copytree(f"{objects}/obj", f"{tree}/build/obj")
    shutil.copy2(f"{objects}/arch.mk", f"{tree}/build")
    for copy in COPIES:
        copy_descriptor(tree, *copy)
    made = subprocess.run(
        ["make", "-j2", "build/mudot"], cwd=tree, capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise Mistake("the copies do not build:\n" + made.stdout + made.stderr)


# ---------------------------------------------------------------- flows


def with_copies(case):
    lines = case.splitlines(keepends=True)
    return "".join(
        RENAMED.sub(rf"\1{SUFFIX}", line) if line.startswith(BLOCKS) else line for line in lines
    )


def run(tree, name, command, case):
    """The datasets of a run, by name, or its last sentence."""
    with open(f"{tree}/{name}.yaml", "w", encoding="utf-8") as file:
        file.write(case)
    done = subprocess.run(
        [f"{tree}/build/mudot", command, f"{name}.yaml", "-output_directory", name],
        cwd=tree,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return done.stderr.strip().splitlines()[-1]
    arrays = {}

    def visit(key, item):
        if isinstance(item, h5py.Dataset):
            arrays[key.replace(SUFFIX, "")] = np.asarray(item[()])

    result = "run.h5" if command == "run" else "particles.h5"
    with h5py.File(f"{tree}/{name}/{result}", "r") as file:
        file.visititems(visit)
    return arrays


def difference(original, copy):
    """What differs; "" if nothing does."""
    if isinstance(original, str):
        raise Mistake(original)
    if isinstance(copy, str):
        return copy
    if original.keys() != copy.keys():
        return "the datasets are " + ", ".join(sorted(original.keys() ^ copy.keys())) + " on one side"
    unequal = [key for key in original if original[key].tobytes() != copy[key].tobytes()]
    return ", ".join(unequal) + " differ" if unequal else ""


def compare(tree, system):
    name, (command, case) = system
    original = run(tree, name, command, case)
    if not isinstance(original, str) and "density" in original:
        density = original["density"]
        if (density[0] == density[-1]).all():
            raise Mistake(f"{name}: stands still")
    return name, difference(original, run(tree, name + SUFFIX, command, with_copies(case)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--keep", help="where the scratch tree is made and stays")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    tree = options.keep or tempfile.mkdtemp(prefix="mudot-copied-")
    try:
        build(tree, options.build)
        chosen = [s for s in SYSTEMS.items() if options.only in s[0]]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda s: compare(tree, s), chosen))
    except Mistake as mistake:
        print(f"copied: {mistake}", file=sys.stderr)
        return 2
    finally:
        if not options.keep:
            shutil.rmtree(tree, ignore_errors=True)
    failed = [result for result in results if result[1]]
    for name, what in failed:
        print(f"FAILED  {name}: {what}")
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
