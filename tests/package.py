#!/usr/bin/python3
"""The Python package: what it reads, runs, refuses, draws. "quick" is what needs no more than NumPy, h5py and matplotlib
and takes some seconds. Usage: BUILD=build tests/package.py [quick]"""
import doctest
import importlib
import json
import os
import pathlib
import pkgutil
import re
import shutil
import signal
import subprocess
import sys
import time

import h5py
import numpy as np

from harness import MUDOT, ROOT, check, folder, totals

PACKAGE = ROOT / "scripts" / "python"
sys.dont_write_bytecode = True
sys.path.insert(0, str(PACKAGE))
os.environ["MUDOT"] = MUDOT

import mudot  # noqa: E402
import mudot.plot.command  # noqa: E402
from mudot import meshes  # noqa: E402

LINE = {"grid": {"lower": [-6], "upper": [6], "cells": [64]},
        "target": {"type": "mixture", "weights": [0.5, 0.5], "means": [-1.5, 1.5], "covariances": [0.64, 0.64]},
        "initial": {"type": "gaussian", "mean": [2], "covariance": [0.25]}, "energy": {"kl": 1},
        "geometry": {"wasserstein": 1}, "time": {"end": 1, "step": 0.02}, "output": {"directory": "line", "every": 0.25}}
PLANE = {"grid": {"lower": [-3, -2], "upper": [3, 2], "cells": [24, 16], "mask_formula": "x^2 + y^2 - 0.2"},
         "target": {"type": "gaussian", "mean": [1, 0], "covariance": [0.5, 0, 0, 0.5]},
         "initial": {"type": "gaussian", "mean": [-1, 0], "covariance": [0.3, 0, 0, 0.3]}, "energy": {"kl": 1},
         "geometry": {"wasserstein": 1, "fisher_rao": 0.5}, "time": {"end": 0.4, "step": 0.02},
         "output": {"directory": "plane", "every": 0.1}}
CLOUD = {**{key: PLANE[key] for key in ("target", "initial", "time")}, "energy": {"mmd": 1},
         "geometry": {"wasserstein": 1, "mmd": 1, "spherical": True}, "kernel": {"type": "gaussian", "bandwidth": 0.5},
         "particles": {"method": "ift", "count": 40}, "output": {"directory": "cloud", "every": 0.1}}
STUDY = "study:  {type: order, case: line.yaml, vary: time_step, values: [0.2, 0.1, 0.05]}\noutput: {directory: order}\n"
VALUES = {"geometry.wasserstein": [0.5, 1], "time_step": [0.02, 0.01]}


def plain(directory, name):
    with h5py.File(f"{directory}/run.h5", "r") as file:
        return file[name][()]


def raises(name, kind, words, act):
    try:
        act()
    except kind as error:
        check(name, words in str(error) and "\n" not in str(error), repr(error))
        return error
    check(name, False, "nothing was raised")
    return None


def documentation():
    """Every example in a docstring."""
    attempted = failed = 0
    for found in pkgutil.walk_packages(mudot.__path__, "mudot."):
        if found.name.endswith("__main__"):
            continue
        module = importlib.import_module(found.name)
        result = doctest.testmod(module)
        attempted, failed = attempted + result.attempted, failed + result.failed
        check(f"{found.name} says what it is", bool(module.__doc__))
    check(f"{attempted} examples of docstrings", failed == 0 and attempted > 12, f"{failed} failed")
    line = (ROOT / "Makefile").read_text().split("VERSION := ")[1].split()[0]
    text = (PACKAGE / "pyproject.toml").read_text()
    check("one version", mudot.__version__ == line and f'version = "{line}"' in text)
    check("and it is the program's", mudot.program.version() == line)


def runs():
    run = mudot.run(LINE)
    check("a mapping is run", run.status == "done" and str(run) == "<mudot.Run line: done>", run)
    check("density", np.array_equal(run.density, plain("line", "density")) and tuple(run.density.dims) == ("time", "x"))
    check("its coordinates", np.array_equal(run.density.coords["x"], plain("line", "grid/x")))
    check("ledger", np.array_equal(run.ledger["energy"], plain("line", "ledger/energy")))
    check("target", np.allclose(run.target, np.exp(plain("line", "target/log_density"))))
    pathlib.Path("plane.yaml").write_text(mudot.Case(PLANE).text)
    plane = mudot.run("plane.yaml")
    check("a file is run, in the plane", tuple(plane.density.dims) == ("time", "y", "x") and not np.asarray(plane.mask).all())
    longer = mudot.run(mudot.Case("plane.yaml", time={"end": 0.6}, grid={"cells": [12, 8]}), "longer")
    check("overrides win", longer.time[-1] == 0.6 and longer.density.shape == (7, 8, 12))
    cloud = mudot.particles(CLOUD)
    check("particles", cloud.is_cloud and cloud.position.shape == (5, 40, 2) and cloud.weight.shape == (5, 40))
    check("a run is opened by its name", np.array_equal(mudot.Run("line/run.h5").time, run.time))
    x = run.sample(200, time=0.3, seed=7)
    check("sample", x.shape == (200, 1) and np.array_equal(x, run.sample(200, time=0.3, seed=7)))


def comparisons():
    run = mudot.Run("line")
    x = run.sample(300, time=0.5)
    table = mudot.compare(run, x, time=0.5)
    check("an array is compared", {"metric", "value", "expected", "sd", "score"} <= set(table.columns))
    values = dict(zip(table["metric"], table["value"]))
    check("samples of the density are near to it", 0 < values["w1"] < 0.3, values)
    weighted = dict(zip(*(lambda t: (t["metric"], t["value"]))(mudot.compare(run, x, 0.5, weights=np.ones(300)))))
    check("equal weights are no weights", np.isclose(weighted["w1"], values["w1"]))
    several = mudot.compare(run, [x, x + 1], time=[0.5, 1.0], replicates=3)
    check("a cloud for each time", sorted(set(several["time"])) == [0.5, 1.0])

    class Tensor:  # what arrays of PyTorch have
        def detach(self):
            return self

        def cpu(self):
            return x
    check("a tensor is compared", np.allclose(mudot.compare(run, Tensor(), 0.5)["value"], table["value"]))
    raises("no column becomes weights by itself", mudot.CaseError, "2 columns is given; the run has 1 dimension; weights",
           lambda: mudot.compare(run, np.ones((5, 2)), 0.5))
    raises("refused: a cube", mudot.CaseError, "must be [n, d]", lambda: mudot.compare(run, np.zeros((2, 2, 2)), 0.5))
    bad = np.array([[0.], [np.nan]])
    one = raises("refused: no number", mudot.MudotError, "particles, row 2", lambda: mudot.compare(run, bad, 0.5))
    two = raises("of several the one is named", mudot.MudotError, "particles[1], row 2",
                 lambda: mudot.compare(run, [x, bad], [0.5, 1.0], replicates=3))
    check("no temporary file is named", not any("/" in str(error) or ".npy" in str(error) for error in (one, two)), (one, two))


def errors():
    negative = mudot.Case(LINE, time={"step": -1})
    raises("CaseError", mudot.CaseError, 'time_step: "-1" must be above 0', lambda: mudot.run(negative, "no"))
    raises("misspelt", mudot.CaseError, "the nearest is", lambda: mudot.run(mudot.Case(LINE, tme={"end": 1}), "no"))
    raises("FileError", mudot.FileError, "there is no such", lambda: mudot.Run("nowhere").density)
    raises("no overwriting", mudot.CaseError, "-output_overwrite", lambda: mudot.run(LINE))
    raises("no case", mudot.CaseError, "cannot be read", lambda: mudot.Case("nowhere.yaml"))
    hopeless = mudot.Case(LINE, geometry={"wasserstein": 0, "fisher_rao": 1},
                          energy={"kl": 0, "potential": 1, "potential_formula": "1e300*x"})
    wrong = raises("a mapping is named", mudot.CaseError, "(the case, line", lambda: mudot.run({**LINE, "tme": {"end": 1}}, "no"))
    check("its temporary file is not", "mudot-case" not in str(wrong), wrong)
    failed = raises("NumericsError", mudot.NumericsError, "the flow stopped", lambda: mudot.run(hopeless, "failed"))
    check("what is on disk is named", failed is not None and failed.run.status.startswith("failed"), failed)
    before, os.environ["MUDOT"] = os.environ["MUDOT"], "/nowhere/mudot"
    raises("MissingError", mudot.MissingError, "MUDOT", lambda: mudot.run(LINE, "no"))
    os.environ["MUDOT"] = before


def figures():
    for name, wanted in ("line", {"density", "energy", "balance"}), ("plane", {"density", "energy", "balance"}), \
            ("cloud", {"cloud", "energy"}):
        made = mudot.plot.draw(name)
        check(f"figures of {name}", set(made) == wanted, set(made))
    pathlib.Path("line.yaml").write_text(mudot.Case(LINE).text)
    mudot.program.call(["reference", "line.yaml", "-accuracy", "0.1", "-time_end", "0.1", "-output_directory", "certified"])
    made = mudot.plot.draw("certified")
    check("figures of a reference", set(made) == {"density", "energy", "balance", "error"}, set(made))
    stored = mudot.Run("certified")
    bars = [bar for bar in made["energy"].axes[0].containers if bar.has_yerr]
    check("energies have their bars", len(bars) == 1 and len(bars[0].lines[0].get_xdata()) == len(stored.density.time), bars)
    check("the density's title says its error", "error of the densities in L¹" in made["density"]._suptitle.get_text())
    named = mudot.run(mudot.Case(PLANE, grid={"labels": ["length (mm)", "age"]}), "named")
    drawn = named.plot("density")[0]
    check("axes are called as the case says", drawn._supxlabel.get_text() == "length (mm)" and
          "age" in {a.get_ylabel() for a in drawn.axes})
    check("one figure", len(mudot.Run("line").plot("energy", column_width=3.4)) == 1)
    raises("no such figure", mudot.CaseError, "there are density, energy, balance", lambda: mudot.Run("line").plot("map"))
    check("a notebook shows a run", mudot.Run("line")._repr_html_().count("<img") == 3)
    command = [sys.executable, ROOT / "scripts" / "plot.py"]
    for kind, magic in ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml"):
        done = subprocess.run([*command, "plane", "-format", kind, "-column_width", "3.4"], capture_output=True, text=True)
        data = pathlib.Path(f"plane/density.{kind}").read_bytes()
        check(f"scripts/plot.py writes {kind}", done.returncode == 0 and data.startswith(magic), done.stderr)
    check("fonts are embedded as TrueType", b"/FontFile2" in pathlib.Path("plane/balance.pdf").read_bytes())
    done = subprocess.run([*command, "nowhere"], capture_output=True, text=True)
    check("one sentence for what is not there", done.returncode == 4 and done.stderr.count("\n") == 1, done.stderr)
    curves = mudot.plot.draw("line", ["density"])["density"].axes[0].lines
    check("at most eight curves and the target", len(curves) <= 9)


def cells():
    """The cells of the domain as a mesh: each is one, of its own area, around its centre."""
    plane = mudot.Run("plane")
    with plane.open() as file:
        x, y, inside = file["grid/x"][:], file["grid/y"][:], file["grid/mask"][:].ravel() > 0
        volume, density = file["grid/cell_volume"][()], file["density"][1].ravel()[inside]
    points, blocks = meshes.of_grid(x, y, inside)
    corner = points[blocks["quad"]]
    centre = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)[inside]
    along, across = corner[:, 1] - corner[:, 0], corner[:, 3] - corner[:, 0]
    area = along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0]
    check("cells as quadrilaterals", np.allclose(corner.mean(1), centre) and np.allclose(area, volume))
    check("without points of obstacles alone", np.array_equal(np.unique(blocks["quad"]), np.arange(len(points))))
    points, blocks = meshes.of_grid(x, None, np.ones(x.size, bool))
    check("cells as lines", np.allclose(points[blocks["line"]].mean(1)[:, 0], x) and np.ptp(points[:, 1]) == 0)
    try:
        import meshio
    except ImportError:
        print("skipped files of meshio: meshio is not installed")
        return
    plane.mesh(plane.time[1]).write("plane.vtu")
    back = meshio.read("plane.vtu")
    check("a file of meshio", np.array_equal(back.cell_data["density"][0], density) and len(back.cells[0].data) == len(density))


def movies():
    raises("a movie of another kind", mudot.CaseError, ".mp4 or .gif", lambda: mudot.Run("plane").movie("a.avi"))
    from PIL import Image
    mudot.Run("plane").movie("plane.gif", particles="cloud")
    check("a frame for each snapshot", Image.open("plane.gif").n_frames == 5)
    mudot.Run("line").movie("line.mp4")
    check("mp4", pathlib.Path("line.mp4").read_bytes()[4:8] == b"ftyp")


def sweeps():
    data = mudot.sweep(LINE, VALUES, "sweep", workers=2)
    check("a dimension for each key", dict(data.sizes) == {"geometry_wasserstein": 2, "time_step": 2, "time": 5, "x": 64})
    one = mudot.run(mudot.Case(LINE, geometry={"wasserstein": 0.5}, time={"step": 0.01}), "one")
    cell = data.sel(geometry_wasserstein=0.5, time_step=0.01)
    check("each cell is the run of its values", np.array_equal(cell.density, one.density) and
          np.isclose(cell.energy[-1], np.asarray(one.ledger["energy"])[-1]))
    times = {path: path.stat().st_mtime_ns for path in pathlib.Path("sweep").glob("*/run.h5")}
    again = mudot.sweep(LINE, VALUES, "sweep")
    check("what is done is not done again", data.equals(again) and len(times) == 4 and
          times == {path: path.stat().st_mtime_ns for path in pathlib.Path("sweep").glob("*/run.h5")})
    mudot.sweep(mudot.Case(LINE, time={"end": 0.5}), VALUES, "sweep", workers=2)
    check("another case is another run", len(list(pathlib.Path("sweep").glob("*/run.h5"))) == 8)
    pathlib.Path("launch").write_text(f"#!/bin/sh\necho $TMPDIR >>launched\nexec {os.environ.get('MPIEXEC', 'mpiexec')} \"$@\"\n")
    os.chmod("launch", 0o755)
    before, os.environ["MPIEXEC"] = os.environ.get("MPIEXEC"), "./launch"
    mudot.sweep(LINE, {"time_step": [0.1, 0.05, 0.04]}, "ranks", workers=2, ranks=2)
    os.environ.pop("MPIEXEC")
    os.environ.update({"MPIEXEC": before} if before else {})
    folders = pathlib.Path("launched").read_text().split()
    check("each mpiexec has a folder of its own, which goes", len(set(folders)) == 3 and not any(map(os.path.exists, folders)), folders)
    cells = mudot.sweep(LINE, {"grid.cells": [[32], [64]]}, "cells")
    check("runs on several grids have their ledgers", "energy" in cells and "density" not in cells)
    error = raises("the values of a failure are named", mudot.CaseError, "time_step = -1: time_step",
                   lambda: mudot.sweep(LINE, {"time_step": [0.02, -1]}, "sweep"))
    check("it is the program's", error is not None and error.status == 2)


def interrupted(act, folder, count=1):
    """The status and the words of a Python that is interrupted when so many runs below a folder have begun their file."""
    script = (f"import sys, mudot\ntry:\n    {act}\nexcept mudot.Interrupted as stopped:\n"
              "    print(stopped, '|', getattr(stopped.run, 'status', ''))\n    sys.exit(9)\n")
    child = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(PACKAGE)},
                             stdout=subprocess.PIPE, text=True)
    while len(list(pathlib.Path(folder).glob("**/run.h5"))) < count and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=60)[0]
    return child.returncode, said


def interruption():
    """Ctrl-C stops the program after a step; the run goes on to the bits of the whole one."""
    pathlib.Path("slow.yaml").write_text(mudot.Case(LINE).text)
    for ranks in 1, 2:
        status, said = interrupted(f"mudot.run(mudot.Case('slow.yaml', time={{'step': 5e-6}}), 'slow{ranks}', ranks={ranks})",
                                   f"slow{ranks}")
        check(f"Ctrl-C raises Interrupted, on {ranks} ranks", status == 9 and "|" in said, f"{status} {said}")
        check("it says where the checkpoint lies", re.match(
            r"the run was stopped at t = 0\.\d+: SIG\w+; its checkpoint, of t = 0\.\d+, lies in slow\d; run.resume\(\) goes on \| "
            r"interrupted", said), said)
    stopped = mudot.Run("slow2")
    check("it was stopped before its end", stopped.time[-1] < 1, stopped.time)
    done = stopped.resume()
    check("resume() goes on to the end", done.status == "done" and np.isclose(done.time[-1], 1))
    whole = mudot.run(mudot.Case("slow.yaml", time={"step": 5e-6}), "whole")
    check("to the same density", np.allclose(done.density, whole.density, rtol=1e-10, atol=1e-14))
    status, said = interrupted("mudot.sweep(mudot.Case('slow.yaml', time={'step': 5e-6}), {'geometry.wasserstein': [1, 2, 3]}, "
                               "'stopped', workers=2)", "stopped", 2)
    check("Ctrl-C in a sweep is one sentence", status == 9 and said.startswith("sweep: stopped with 0 of 3 runs done") and
          "below stopped, and the same call goes on" in said, f"{status} {said}")
    check("what was at work has a checkpoint", len(list(pathlib.Path("stopped").glob("*/checkpoint.h5"))) == 2)
    shown = subprocess.run([sys.executable, "-c", "import mudot\nmudot.run(mudot.Case('slow.yaml', time={'step': 2e-5}),"
                            " 'shown', progress=True)"], env={**os.environ, "PYTHONPATH": str(PACKAGE)},
                           capture_output=True, text=True)
    check("a progress bar", "[#" in shown.stderr and "t = " in shown.stderr, shown.stderr[-200:])


def compiled(name):
    """An extension of scripts/examples as a shared object here."""
    made = subprocess.run([os.environ.get("MPICC", "mpicc"), "-shared", "-fPIC", f"-I{ROOT / 'src'}",
                           *subprocess.run(["pkg-config", "--cflags", "petsc"], capture_output=True, text=True).stdout.split(),
                           ROOT / "scripts" / "examples" / f"{name}.c", "-o", f"{name}.so"], capture_output=True, text=True)
    check(f"{name}.c compiles", made.returncode == 0, made.stderr[-300:])


def extensions():
    """What is loaded: runs, samples, pages, sweeps, studies and checks have it, and say so where it is missing."""
    compiled("congestion")
    crowd = mudot.Case(LINE, energy={"congestion": 2})
    run = mudot.run(crowd, "crowd", load="./congestion.so")
    check("a loaded energy runs", "energy_congestion" in run.ledger and run.status == "done")
    check("its run is sampled", run.sample(5).shape == (5, 1) and run.report().is_file())
    check("and compared", len(mudot.compare(run, run.sample(50), replicates=2)) > 3)
    again = mudot.Run("crowd")
    for name, act in ("sample", lambda: again.sample(5)), ("report", again.report), ("compare", lambda: mudot.compare(again, np.ones(9))):
        raises(f"{name} says what is missing", mudot.FileError,
               "is not read without -load ./congestion.so, which its run had (energy_congestion:", act)
    raises("without it there is no such energy", mudot.CaseError, "energy_congestion: there is no such key",
           lambda: mudot.run(crowd, "no"))
    data = mudot.sweep(crowd, {"energy.congestion": [1, 2]}, "crowds", load=["./congestion.so"])
    check("a sweep of its weight", list(data["energy_congestion"]) == [1, 2] and float(data["ledger_energy_congestion"][1, -1]) > 0)
    pathlib.Path("crowd.yaml").write_text(mudot.Case({**LINE, "energy": {"kl": 1, "congestion": 2}}).text)
    pathlib.Path("crowds.yaml").write_text(STUDY.replace("line.yaml", "crowd.yaml").replace("{directory: order}", "{directory: orders}"))
    check("a study of it", len(mudot.study("crowds.yaml", load="./congestion.so").rows) == 3)
    found = mudot.check("energy", "congestion", load="./congestion.so")
    check("its checks pass", len(found) > 5 and set(found["outcome"]) <= {"passed", "skipped"}, found)


def studies():
    pathlib.Path("line.yaml").write_text(mudot.Case(LINE).text)
    pathlib.Path("order.yaml").write_text(STUDY)
    study = mudot.study("order.yaml")
    check("verdict", study.verdict in ("holds", "fails", "undecided") and "order" in repr(study))
    check("rows", list(study.rows["value"]) == [0.2, 0.1, 0.05])
    check("its figures", len(study.plot()) == 1)


def without_xarray():
    """The same numbers without xarray and pandas."""
    script = ("import sys\nsys.modules['xarray'] = sys.modules['pandas'] = None\nimport mudot, numpy as np\n"
              "run = mudot.Run('line')\nd = run.density\n"
              "print(type(d).__name__, d.dims, d.shape, len(d), d.time[-1], np.asarray(d).sum(), run.ledger.energy[-1])\n"
              "print(mudot.compare(run, run.sample(50, time=1), 1)['metric'][0])\n"
              "print(mudot.sweep(mudot.Case('line.yaml'), {'time.step': [0.02]}, 'plain').energy.values.shape)\n")
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(PACKAGE)},
                          capture_output=True, text=True)
    run = mudot.Run("line")
    first = f"Array ('time', 'x') (5, 64) 5 1.0 {np.asarray(run.density).sum()} {np.asarray(run.ledger['energy'])[-1]}"
    check("without xarray and pandas", done.stdout.splitlines() == [first, "mmd2", "(1, 5)"], done.stdout + done.stderr)


def examples():
    for name, size, words in ("svgd", 48, "error of the flow"), ("decay", 32, "rate "), ("points", 32, "F(2)/F(0)"):
        path = ROOT / "scripts" / "examples" / f"{name}.py"
        done = subprocess.run([sys.executable, path, str(size)], env={**os.environ, "PYTHONPATH": str(PACKAGE)},
                              capture_output=True, text=True)
        check(f"{name}.py runs", done.returncode == 0 and words in done.stdout, done.stderr[-400:])
        check(f"{name}.py has at most 40 lines", len(path.read_text().splitlines()) <= 40)


def notebook():
    """The code of the notebook as one program; what a cell ends with is shown, as Jupyter would."""
    path = ROOT / "scripts" / "examples" / "svgd.ipynb"
    made = json.loads(path.read_text())
    kinds = [cell["cell_type"] for cell in made["cells"]]
    check("the notebook has about twenty cells", 18 <= len(kinds) <= 24 and made["nbformat"] == 4, kinds)
    check("and no output", all(not cell.get("outputs") for cell in made["cells"]))
    code = ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]
    script = ("import ast, json, sys\nimport matplotlib\nmatplotlib.use('Agg')\nnames = {}\n"
              "for source in json.load(sys.stdin):\n"
              "    body = ast.parse(source).body\n"
              "    last = body.pop() if isinstance(body[-1], ast.Expr) else None\n"
              "    exec(compile(ast.Module(body, []), 'notebook', 'exec'), names)\n"
              "    value = last and eval(compile(ast.Expression(last.value), 'notebook', 'eval'), names)\n"
              "    if hasattr(value, '_repr_html_'):\n"
              "        print('shown', len(value._repr_html_()) > 100)\n")
    done = subprocess.run([sys.executable, "-c", script], input=json.dumps(code), capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(PACKAGE), "CELLS": "48"})
    said = done.stdout
    check("the notebook runs", done.returncode == 0 and said.count("error of the flow") == 3 and said.count("MMD^2") == 5, done.stderr[-400:])
    check("its figures are shown", "shown True" in said and "shown False" not in said, said)


def schemas():
    """Every shipped case, study and domain keeps to the schema; what is misspelt does not."""
    import jsonschema
    import yaml
    from mudot.schema import schema

    class Loader(yaml.SafeLoader):
        """1e-3 is a number, as in YAML 1.2 and for the program."""
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
                                 list("-+0123456789"))
    made = schema()
    jsonschema.Draft7Validator.check_schema(made)
    validator = jsonschema.Draft7Validator(made)
    files = [path for pattern in ("scripts/*.yaml", "scripts/studies/*.yaml", "meshes/*.yaml") for path in ROOT.glob(pattern)]
    for path in files:
        error = next(iter(validator.iter_errors(yaml.load(path.read_text(), Loader))), None)
        if error:
            check(f"{path.name} keeps to the schema", False, f"{list(error.absolute_path)} {error.message}")
    check(f"{len(files)} shipped cases, studies and domains keep to the schema", len(files) > 70)
    for name in "congestion", "saturation", "two_scales":
        compiled(name)
        text = yaml.load((ROOT / "scripts" / "examples" / f"{name}.yaml").read_text(), Loader)
        check(f"{name}.yaml keeps to the schema with its extension, not without", not validator.is_valid(text) and
              jsonschema.Draft7Validator(schema(f"./{name}.so")).is_valid(text))
    good = {"time": {"end": 1}, "energy": {"power": {"weight": 1, "exponent": 2}}, "kernel": {"type": "matern"}}
    check("a case with a mapping", validator.is_valid(good))
    check("a block of a system", validator.is_valid({"system_b": {"energy": {"kl": 1}}}))
    check("the schema refuses a misspelt key of a system", not validator.is_valid({"system_b": {"energy": {"kll": 1}}}))
    for name, wrong in {"a misspelt block": {"tiem": {"end": 1}}, "a misspelt key": {"time": {"ned": 1}},
                        "a negative step": {"time": {"step": -1}}, "no such energy": {"energy": {"kll": 1}},
                        "no such kernel": {"kernel": {"type": "gauss"}}, "a word for a number": {"time": {"end": "late"}},
                        "no such number of an energy": {"energy": {"power": {"weight": 1, "ridge": 2}}}}.items():
        check(f"the schema refuses {name}", not validator.is_valid(wrong))


def completions():
    """What fish offers, and that zsh can read its file."""
    for shell, name in ("zsh", "_mudot"), ("fish", "mudot.fish"):
        made = subprocess.run([ROOT / "scripts" / "make-completion", shell, MUDOT], capture_output=True, text=True)
        pathlib.Path(name).write_text(made.stdout)
        if check(f"completion for {shell}", made.returncode == 0, made.stderr) and shutil.which(shell):
            read = subprocess.run([shell, "-n", name], capture_output=True, text=True)
            check(f"{shell} reads it", read.returncode == 0, read.stderr)
    if not shutil.which("fish"):
        return
    for line, word in (("mudot ", "sample"), ("mudot run -time_sch", "-time_scheme"), ("mudot sample -method ", "iid"),
                       ("mudot run -kernel_type ", "matern"), ("mudot help comp", "comparing"),
                       ("mudot run -energy_power_", "-energy_power_exponent")):
        offered = subprocess.run(["fish", "-c", f"source mudot.fish; complete -C '{line}'"], capture_output=True, text=True,
                                 env={**os.environ, "PATH": f"{pathlib.Path(MUDOT).parent}:{os.environ['PATH']}"}).stdout
        check(f"fish offers {word}", word in [row.split("\t")[0] for row in offered.splitlines()], offered)


def installation():
    """pip installs it from its folder, and it finds the program in the search path."""
    shutil.copytree(PACKAGE, "source")  # pip builds in the folder that it is given
    done = subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-build-isolation", "--no-deps", "--no-index",
                           "--target", "../site", "."], cwd="source", capture_output=True, text=True)
    check("pip install .", done.returncode == 0, done.stderr[-400:])
    environment = {**os.environ, "PYTHONPATH": "site", "PATH": f"{pathlib.Path(MUDOT).parent}:{os.environ['PATH']}"}
    del environment["MUDOT"]
    used = subprocess.run([sys.executable, "-c", "import mudot, mudot.plot; print(mudot.__file__, mudot.program.find())"],
                          env=environment, capture_output=True, text=True)
    words = used.stdout.split()
    check("the installed package finds the program", len(words) == 2 and words[0].endswith("site/mudot/__init__.py") and
          os.path.samefile(words[1], MUDOT), used.stdout + used.stderr)


def main():
    quick = "quick" in sys.argv[1:]
    with folder():
        documentation()
        runs()
        comparisons()
        errors()
        if not quick:
            for part in figures, cells, sweeps, studies, extensions, interruption, without_xarray, movies, examples, notebook, schemas, completions, installation:
                part()
    totals()


main()
