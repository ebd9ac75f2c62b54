#!/usr/bin/python3
"""The files of mudot opened by what reads such files: xarray through both of its engines, ncdump, ParaView's readers of
XDMF; also while a run goes on and after it was killed, and files of version 0.2.
Usage: BUILD=build tests/formats.py"""
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time

import h5py
import numpy as np

from harness import MUDOT, check, done, folder, totals

PLANE = """grid:     {lower: [0, -1], upper: [3, 1], cells: [24, 16], mask_formula: "(x - 1.5)^2 + y^2 - 0.1"}
target:   {type: gaussian, mean: [2, 0], covariance: [0.3, 0, 0, 0.2]}
initial:  {type: gaussian, mean: [0.6, 0.2], covariance: [0.1, 0, 0, 0.1]}
energy:   {kl: 1}
geometry: {wasserstein: 1}
time:     {end: 0.5, step: 0.01}
output:   {directory: plane, every: 0.1}
"""
CLOUD = """target:   {type: gaussian, mean: [2, 0], covariance: [0.3, 0, 0, 0.2]}
initial:  {type: gaussian, mean: [0.6, 0.2], covariance: [0.1, 0, 0, 0.1]}
energy:   {kl: 1}
geometry: {wasserstein: 1}
particles: {method: langevin, count: 30}
time:     {end: 0.5, step: 0.01}
output:   {directory: cloud, every: 0.1}
"""
LINE = """grid:     {lower: [-6], upper: [6], cells: [64], labels: ["position [mm]"]}
target:   {type: gaussian, mean: [0], covariance: [1]}
initial:  {type: gaussian, mean: [2], covariance: [0.25]}
energy:   {kl: 1}
geometry: {wasserstein: 1}
time:     {end: 1, step: 0.01}
output:   {directory: line, every: 0.25}
"""
STUDY = """study:  {type: order, case: line.yaml, vary: time_step, values: [0.2, 0.1, 0.05]}
output: {directory: order}
"""
ENGINES = "h5netcdf", "netcdf4"


def open_with(engine, path, group=None):
    import xarray
    with xarray.open_dataset(path, engine=engine, group=group) as data:
        return data.load()


# ---------------------------------------------------------------------------------------------- netCDF


def plain(path, name):
    with h5py.File(path, "r") as file:
        return file[name][()]


def runs(engine):
    plane = open_with(engine, "plane/run.h5")
    check(f"{engine}: density(time, y, x)", plane.density.dims == ("time", "y", "x"), plane.density.dims)
    check(f"{engine}: its coordinates", set(plane.density.coords) == {"time", "x", "y"}, plane.coords)
    check(f"{engine}: its values", np.array_equal(plane.density, plain("plane/run.h5", "density")))
    at = plane.density.sel(time=0.31, method="nearest")
    check(f"{engine}: a density by its time", np.isclose(at.time, 0.3))
    mass = float(at.where(plane.mask == 1).sum()) * 0.125 ** 2
    check(f"{engine}: the mask lies on the same axes", np.isclose(mass, 1), mass)
    check(f"{engine}: a density of 0 is a number", not bool(np.isnan(plane.density).any()) and bool((plane.density == 0).any()))
    axes = at.plot().axes
    labels = axes.get_xlabel(), axes.get_ylabel(), axes.get_title()
    check(f"{engine}: a plot has labelled axes", labels == ("x [1]", "y [1]", "time = 0.3 [1]"), labels)
    ledger = open_with(engine, "plane/run.h5", "ledger")
    check(f"{engine}: the ledger along its own time", ledger.energy.dims == ("t",) and "t" in ledger.coords)
    check(f"{engine}: every column of it", set(ledger.variables) == set(h5py.File("plane/run.h5")["ledger"]))
    target = open_with(engine, "plane/run.h5", "target")
    check(f"{engine}: the target", target.log_density.dims == ("y", "x"))
    line = open_with(engine, "line/run.h5")
    check(f"{engine}: a line is density(time, x)", line.density.dims == ("time", "x") and len(line.x) == 64)
    check(f"{engine}: labels of the axes", (line.x.attrs["long_name"], line.x.attrs["units"]) == ("position", "mm"), line.x.attrs)
    check(f"{engine}: brackets of a label stay in the case", 'labels: ["position [mm]"]' in line.attrs["case"], line.attrs["case"])
    check(f"{engine}: attributes", line.attrs["format_version"] == 2 and line.attrs["status"] == "done")


def others(engine):
    cloud = open_with(engine, "cloud/particles.h5")
    check(f"{engine}: particles", cloud.position.dims == ("time", "particle", "axis") and
          cloud.weight.dims == ("time", "particle") and len(cloud.time) == 6)
    drawn = open_with(engine, "drawn.h5")
    check(f"{engine}: sampled points", drawn.position.shape == (1, 20, 2))
    rows = open_with(engine, "order/study.h5", "rows")
    check(f"{engine}: rows of a study", rows.value.dims == ("row",) and rows.sizes["row"] == 3, rows)
    compared = open_with(engine, "compared/compare.h5", "mmd2")
    cloud = open_with(engine, "compared/compare.h5", "cloud")
    check(f"{engine}: its particles", cloud.position.dims[1:] == ("particle", "axis") and np.isclose(cloud.weight.sum("particle"), 1).all(), cloud)
    check(f"{engine}: a comparison", compared.value.dims == ("time",) and np.isfinite(compared.value).all())


def header():
    text = subprocess.run(["ncdump", "-h", "plane/run.h5"], capture_output=True, text=True).stdout
    for line in ("time = UNLIMITED ; // (6 currently)", "double density(time, y, x) ;", "double energy(t) ;",
                 'string energy:long_name = "energy F" ;', "energy:_FillValue = NaN ;",
                 'string density:ancillary_variables = "mask" ;', "mask:flag_values = 0UB, 1UB ;",
                 'string mask:flag_meanings = "obstacle domain" ;', 'string :Conventions = "CF-1.10" ;'):
        check(f"ncdump: {line}", line in text)
    check("ncdump: no dimension without a name", "phony" not in text)


# ---------------------------------------------------------------------------------------------- unfinished


def unfinished():
    """Both engines read a run that goes on, in full, and what a kill leaves."""
    run = subprocess.Popen([MUDOT, "run", "plane.yaml", "-time_end", "200", "-time_step", "0.002", "-output_every", "0.02",
                            "-output_directory", "long"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        while run.poll() is None and not (os.path.exists("long/run.h5") and len(plain("long/run.h5", "time"))):
            time.sleep(0.02)
        for engine in ENGINES * 3:
            for attempt in range(5):  # an entry may be met half written
                try:
                    data = open_with(engine, "long/run.h5")
                    break
                except (OSError, RuntimeError, KeyError, ValueError):
                    time.sleep(0.05)
            good = data.attrs["status"] == "running" and np.isclose(data.density[0].sum() * 0.125 ** 2, 1)
            check(f"{engine}: {len(data.time)} snapshots while the run goes on", good, data)
            time.sleep(0.1)
        check("it goes on", run.poll() is None)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    finished = len(plain("long/run.h5", "time"))
    for engine in ENGINES:
        data = open_with(engine, "long/run.h5").isel(time=slice(finished))
        good = np.array_equal(data.density, plain("long/run.h5", "density")[:finished])
        check(f"{engine}: all {finished} snapshots after a kill", good and finished > 1)


def version_02():
    """The datasets of 0.2 without scales, links and the attributes of netCDF."""
    os.mkdir("old")
    with h5py.File("plane/run.h5", "r") as new, h5py.File("old/run.h5", "w") as old:
        for name in "grid/x", "grid/y", "grid/mask", "grid/cell_volume", "time", "density", "target/log_density":
            old[name] = new[name][()]
        for name in new["ledger"]:
            old[f"ledger/{name}"] = new["ledger"][name][()]
        for name, value in new.attrs.items():
            if name not in ("Conventions", "format_version"):
                old.attrs[name] = value
    for word, command in (("sample", ("-n", 20, "-output", "old.h5")), ("report", ())):
        done(f"a file of 0.2: {word}", word, "old", *command)
    check("the same points", np.array_equal(plain("old.h5", "position"), plain("drawn.h5", "position")))
    shutil.rmtree("old")


# ---------------------------------------------------------------------------------------------- XDMF


READER = '''
import sys
import numpy as np
import vtkmodules.vtkCommonExecutionModel
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkIOXdmf2 import vtkXdmfReader
from vtkmodules.vtkIOXdmf3 import vtkXdmf3Reader
reader = {"2": vtkXdmfReader, "3": vtkXdmf3Reader}[sys.argv[1]]()
reader.SetFileName(sys.argv[2])
reader.UpdateInformation()
pipeline = vtkmodules.vtkCommonExecutionModel.vtkStreamingDemandDrivenPipeline
times = reader.GetOutputInformation(0).Get(pipeline.TIME_STEPS())
found = {"times": times}
for k, t in enumerate(times):
    reader.UpdateTimeStep(t)
    data = reader.GetOutputDataObject(0)
    arrays = data.GetPointData() if data.GetPointData().GetNumberOfArrays() else data.GetCellData()
    found[f"bounds_{k}"] = data.GetBounds()
    if data.GetClassName() == "vtkUnstructuredGrid":
        found[f"points_{k}"] = vtk_to_numpy(data.GetPoints().GetData()).copy()
    for i in range(arrays.GetNumberOfArrays()):
        found[f"{arrays.GetArrayName(i)}_{k}"] = vtk_to_numpy(arrays.GetArray(i)).copy()
np.savez(sys.argv[3], **found)
'''


def viewers():
    """Both readers of ParaView show every value at its time, in a process of their own."""
    sizes = {"plane": (3, 2, 0.15), "line": (12, 0.6, 0.6)}
    for name, version, kind in [(name, *pair) for name in sizes for pair in (("3", "xdmf"), ("2", "xmf"))]:
        found = read(version, f"{name}/run.{kind}")
        if found is None:
            continue
        label = f"XDMF {version}, {name}"
        check(f"{label}: times", np.array_equal(found["times"], plain(f"{name}/run.h5", "time")))
        density = plain(f"{name}/run.h5", "density")
        good = all(np.array_equal(found[f"density_{k}"], density[k].ravel()) for k in range(len(density)))
        check(f"{label}: densities", good)
        check(f"{label}: the target", np.array_equal(found["log_target_0"],
                                                     plain(f"{name}/run.h5", "target/log_density").ravel()))
        check(f"{label}: the mask", np.array_equal(found["inside_0"], plain(f"{name}/run.h5", "grid/mask").ravel()))
        bounds = found["bounds_0"].reshape(3, 2)
        check(f"{label}: the box", np.allclose(bounds[:, 1] - bounds[:, 0], sizes[name]), bounds)
    for version, kind in ("3", "xdmf"), ("2", "xmf"):
        found = read(version, f"cloud/particles.{kind}")
        if found is None:
            continue
        position, weight = plain("cloud/particles.h5", "position"), plain("cloud/particles.h5", "weight")
        good = all(np.allclose(found[f"points_{k}"][:, :2], position[k], rtol=1e-6) and  # VTK may keep floats
                   np.array_equal(found[f"weight_{k}"], weight[k]) for k in range(len(position)))
        check(f"XDMF {version}: particles", good and len(found["times"]) == len(position))


def read(version, path):
    result = subprocess.run([sys.executable, "-c", READER, version, path, "found.npz"], capture_output=True, text=True)
    if check(f"XDMF {version}: {path} is opened", result.returncode == 0, result.stderr[-400:]):
        return np.load("found.npz")
    return None


def main():
    missing = [name for name in ("xarray", "h5netcdf", "netCDF4", "paraview") if not importlib.util.find_spec(name)]
    if missing:
        print(f"{', '.join(missing)} cannot be imported; scripts/install-deps python installs what is needed")
        sys.exit(77)
    os.environ["MPLBACKEND"] = "Agg"
    with folder():
        for name, text in ("plane", PLANE), ("line", LINE), ("cloud", CLOUD), ("order", STUDY):
            open(f"{name}.yaml", "w").write(text)
        for name in "plane", "line":
            done(f"run {name}", "run", f"{name}.yaml")
        done("particles", "particles", "cloud.yaml")
        done("sample", "sample", "plane", "-n", 20, "-output", "drawn.h5")
        done("compare", "compare", "plane", "drawn.h5", "-output_directory", "compared")
        done("study", "study", "order.yaml")
        for engine in ENGINES:
            runs(engine)
            others(engine)
        header()
        unfinished()
        version_02()
        viewers()
    totals()


if __name__ == "__main__":
    main()
