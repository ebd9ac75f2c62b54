#!/usr/bin/python3
"""mudot report: what stands in the pages, and how they behave in headless Chromium.

Usage: BUILD=build tests/report.py [--without-browser]
Closes with one line of totals; exit status 1 if a check fails.
"""
import argparse
import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from chromium import Chromium, installed

ROOT = pathlib.Path(__file__).resolve().parent.parent
MUDOT = str((pathlib.Path.cwd() / os.environ.get("BUILD", "build") / "mudot").resolve())
MPIEXEC = os.environ.get("MPIEXEC", "mpiexec")
HOSTILE = 'hostile/</script><img src=x onerror="document.title=1">&amp;'

LINE = """\
grid:     {lower: [-6], upper: [6], cells: [96], boundary: no_flux, labels: ["position [mm]"]}
target:   {type: mixture, weights: [0.5, 0.5], means: [-1.5, 1.5], covariances: [0.64, 0.64]}
initial:  {type: gaussian, mean: [2], covariance: [0.25]}
energy:   {mmd: 1}
geometry: {mmd: 0.75}
kernel:   {type: matern, smoothness: 1.5, bandwidth: 0.5}
time:     {end: 2, step: 0.02}
particles: {method: langevin, count: 300}
output:   {directory: line, every: 0.1, diagnostics: [l1, l2]}
"""
PLANE = """\
grid:     {lower: [0, 0], upper: [2, 1], cells: [32, 16], mask_formula: "(x-1)^2+(y-0.5)^2-0.04"}
target:   {type: gaussian, mean: [1.5, 0.5], covariance: [0.1, 0, 0, 0.05]}
initial:  {type: gaussian, mean: [0.4, 0.3], covariance: [0.05, 0, 0, 0.05]}
energy:   {kl: 1}
geometry: {wasserstein: 1, fisher_rao: 1, spherical: true}
time:     {end: 0.4, step: 0.02}
output:   {directory: plane, every: 0.04}
"""
CLOUD = """\
target:   {type: gaussian, mean: [0, 0, 1], covariance: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
initial:  {type: gaussian, mean: [2, 0, 0], covariance: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
energy:   {mmd: 1}
geometry: {wasserstein: 4, mmd: 1, spherical: true}
kernel:   {type: gaussian, bandwidth: 1, normalization: peak, extension: zero}
time:     {end: 1, step: 0.1}
particles: {method: ift, count: 60}
output:   {directory: cloud, every: 0.2}
"""
STUDY = """\
study:    {type: gamma, case: kernel.yaml, vary: kernel_bandwidth, values: [1.2, 0.8, 0.6, 0.4], limit: fisher_rao, expect: fails}
output:   {directory: study}
"""
KERNEL = """\
grid:     {lower: [-6], upper: [6], cells: [64], boundary: no_flux}
target:   {type: mixture, weights: [0.5, 0.5], means: [-1.5, 1.5], covariances: [0.64, 0.64]}
initial:  {type: gaussian, mean: [1], covariance: [1]}
energy:   {kl: 1}
geometry: {kernel_fisher_rao: 1}
kernel:   {type: gaussian, bandwidth: 0.3}
time:     {end: 1, step: 0.1}
output:   {directory: out, every: 0.1}
"""

# variants of LINE of whose decay nothing is known, or something else
WIDE = "-initial_mean 0.3 -initial_covariance 3 -time_end 0.3 "
KL = "-energy_mmd 0 -energy_kl 1 -geometry_mmd 0 -geometry_wasserstein 1 -time_end 0.3 "
KNOWN = {"ridge": WIDE + "-geometry_ridge 0.5", "kernels": WIDE + "-energy_kernel_bandwidth 1",
         "plain": KL + "-geometry_fisher_rao 0.25", "spherical": KL + "-geometry_fisher_rao 0.25 -geometry_spherical true"}

results = {"passed": 0, "failed": 0}
SAID = {}


def check(name, good, detail=""):
    results["passed" if good else "failed"] += 1
    print(f"{'ok    ' if good else 'FAILED'} {name}{'' if good or detail == '' else f': {detail}'}", flush=True)


def mudot(*arguments, status=0):
    done = subprocess.run([MUDOT, *arguments], capture_output=True, text=True)
    if done.returncode != status:
        raise SystemExit(f"mudot {' '.join(arguments)}: exit status {done.returncode}, not {status}\n{done.stderr}")
    return done


# ---------------------------------------------------------------------- what is shown


def make_results():
    for name, text in (("line.yaml", LINE), ("plane.yaml", PLANE), ("cloud.yaml", CLOUD), ("study.yaml", STUDY), ("kernel.yaml", KERNEL)):
        pathlib.Path(name).write_text(text)
    SAID["line"] = mudot("run", "line.yaml").stdout
    mudot("run", "line.yaml", "-output_directory", HOSTILE)
    mudot("run", "line.yaml", "-geometry_mmd", "1.5", "-output_directory", "fast")
    for name, arguments in KNOWN.items():
        mudot("run", "line.yaml", *arguments.split(), "-output_directory", name)
    mudot("run", str(ROOT / "scripts/two-kernels.yaml"), "-time_end", "0.1", "-output_every", "0.05", "-output_directory", "mapping")
    mudot("run", "plane.yaml")
    mudot("study", "study.yaml", status=1)
    mudot("study", str(ROOT / "scripts/studies/rate-mmd-exact.yaml"), "-output_directory", "rate")
    mudot("study", str(ROOT / "scripts/studies/rate-plain.yaml"), "-grid_cells", "64", "-output_directory", "bound")
    mudot("particles", "cloud.yaml")
    mudot("run", "line.yaml", *KL.split(), "-target_type", "gaussian", "-target_mean", "0", "-target_covariance", "0.5", "-time_step", "0.001", "-output_directory", "gaussian")
    mudot("reference", "line.yaml", *KL.split(), "-accuracy", "1e-3", "-output_directory", "certified")
    mudot("sample", "plane/run.h5", "-n", "400", "-output", "drawn.h5")
    mudot("compare", "plane/run.h5", "drawn.h5", "-output_directory", "compared")
    walk = ("-energy_mmd", "0", "-energy_kl", "1", "-geometry_mmd", "0", "-geometry_wasserstein", "1", "-output_directory")
    mudot("particles", "line.yaml", *walk, "walk")
    mudot("run", "line.yaml", *walk, "walked")
    make_comparison()
    make_long_run()
    make_fine_run()
    make_square_run()
    os.mkdir("half")
    for name in ("study.csv", "study.yaml"):
        shutil.copy(f"study/{name}", "half")
    shutil.copytree("line", "running")
    with h5py.File("running/run.h5", "r+") as file:
        file.attrs["status"] = "running"


def make_comparison():
    os.mkdir("compare")
    names = ("mmd2", "w2", "mean")
    with open("compare/compare.csv", "w") as file:
        print("t,particles,effective,mass,outside,outside_mass," + ",".join(f"{n},{n}_expected,{n}_sd" for n in names), file=file)
        for k in range(5):
            print(f"{0.5 * k},300,300,1,0,0," + ",".join(f"{0.02 * (i + 1) / (k + 1)},0.01,0.002" for i in range(3)), file=file)
    with h5py.File("compare/compare.h5", "w") as file:
        file.attrs["sentence"] = "the method limits: W2 is 5.1 times what N samples would give"


def make_stored_run(name, cells, times, density):
    """A run of constant densities on the unit cube, written by hand."""
    os.mkdir(name)
    with h5py.File(f"{name}/run.h5", "w") as file:
        for axis, n in zip("xy", cells):
            file[f"grid/{axis}"] = (np.arange(n) + 0.5) / n
        file["grid/cell_volume"] = 1 / np.prod(cells)
        shape = tuple(reversed(cells))
        file["grid/mask"] = np.ones(shape, np.uint8)
        file["time"] = np.arange(times) / 10
        file.create_dataset("density", (times, *shape), np.float64, chunks=(1, *shape), compression="gzip")
        for k in range(times):
            file["density"][k] = density(k)
        file.attrs["status"] = "done"


def make_long_run():
    make_stored_run("long", (2048,), 3200, lambda k: np.full(2048, k + 1.0))


def make_fine_run():
    column = np.arange(600) % 3  # three neighbours average to 1
    make_stored_run("fine", (600, 300), 3, lambda k: np.tile((k + 1.0) * column, (300, 1)))


def make_square_run():
    x = (np.arange(512) + 0.5) / 512
    make_stored_run("square", (512, 512), 61, lambda k: np.exp(-20 * ((x[:, None] - k / 60) ** 2 + (x - 0.5) ** 2)))


def data_of(page):
    text = pathlib.Path(page).read_text()
    return json.loads(re.search(r'<script type="application/json" id="data">\n(.*?)</script>', text, re.S).group(1))


def floats(text):
    return np.frombuffer(base64.b64decode(text), "<f4")


def decoded(run):
    """Densities in the plane: 16 bits stand for 10^((k/65534 - 1) 12) of the largest value of a snapshot."""
    codes = np.frombuffer(base64.b64decode(run["codes"]), "<u2").reshape(len(run["peaks"]), -1)
    values = np.where(codes == 0, 0, 10.0 ** (12 * (codes / 65534 - 1))) * np.array(run["peaks"])[:, None]
    return np.where(codes == 65535, np.nan, values)


# ---------------------------------------------------------------------- what stands in the pages


def check_data():
    said = mudot("report", "line").stdout
    check("the name of the page is printed", said == "line/report.html\n", said)
    run = data_of("line/report.html")["directories"][0]["run"]
    with h5py.File("line/run.h5") as file:
        density, mu = file["density"][:], floats(run["density"])
        check("densities in single precision", np.allclose(mu.reshape(density.shape), density, rtol=1e-7, atol=1e-37))
        check("target", np.allclose(floats(run["target"]), np.exp(file["target/log_density"][:]), rtol=1e-6, atol=1e-37))
        check("times", run["time"] == [float(f"{t:.9g}") for t in file["time"][:]])
        for name in file["ledger"]:
            column = np.array(run["ledger"]["columns"][name]["values"], float)
            check(f"ledger {name}", np.allclose(column, file["ledger"][name][:], rtol=1e-8, atol=0, equal_nan=True))
        dt, primal = file["ledger/dt"][:], file["ledger/dissipation_primal"][:]
        drift = run["ledger"]["columns"]["mass_drift"]
        mass = file["ledger/mass"][:]
        check("the drift of the mass is relative and keeps its digits", np.allclose(drift["values"], (mass - mass[0]) / mass[0], rtol=1e-8, atol=0))
        integral = run["ledger"]["columns"]["integral_primal"]["values"]
        check("integral of R", np.allclose(integral, np.r_[0, np.cumsum(dt[1:] * primal[1:])], rtol=1e-8))
        check("attributes", all(run["attributes"][k] == file.attrs[k] for k in ("case", "command_line", "started", "status")))
    mudot("report", "plane")
    run = data_of("plane/report.html")["directories"][0]["run"]
    with h5py.File("plane/run.h5") as file:
        density, inside = file["density"][:].reshape(len(run["time"]), -1), file["grid/mask"][:].ravel() == 1
    shown = decoded(run)
    check("densities in the plane within 0.03 % down to 1e-12 of the largest", np.isnan(shown[:, ~inside]).all()
          and (abs(shown - density)[:, inside] < 3e-4 * density[:, inside] + 1e-12 * density.max()).all())
    run = data_of("line/report.html")["directories"][0]["run"]
    decay = run["ledger"]["decay"]
    check("the fitted rate is that of the exact solution, 2b", abs(decay["rate"] - 1.5) < 1e-8 and decay["from"] == 1 and decay["to"] == 2, decay)
    check_reference_data()
    check_thinning()


def check_reference_data():
    mudot("report", "certified")
    run = data_of("certified/report.html")["directories"][0]["run"]
    with h5py.File("certified/run.h5") as file:
        for group in "error", "moments":
            for name, values in file[group].items():
                check(f"/{group}/{name} in the page", np.allclose(run[group][name], values[:], rtol=1e-8, atol=0))
        check("what a reference says of itself", run["error"]["attributes"]["method"] == file["error"].attrs["method"])
    check("no errors where none are known", "error" not in data_of("line/report.html")["directories"][0]["run"])


def check_thinning():
    mudot("report", "long", "-output", "long.html")
    run = data_of("long.html")["directories"][0]["run"]
    frames = floats(run["density"]).reshape(-1, 2048)
    shown = np.r_[np.arange(0, 3199, run["every"]), 3199]
    check("a long run shows every k-th snapshot and the last", run["every"] == 3 and run["snapshots"] == 3200
          and np.array_equal(frames[:, 0], shown + 1.0), run["every"])
    size = os.path.getsize("long.html")
    check("its page stays below 20 MB", 1e7 < size < 2e7, size)
    mudot("report", "fine", "-output", "fine.html")
    run = data_of("fine.html")["directories"][0]["run"]
    frames = decoded(run).reshape(3, 100, 200)
    check("a fine grid is shown as block means", run["block"] == 3 and all((frames[k] == k + 1).all() for k in range(3)))
    mudot("report", "square", "-output", "square.html")
    run, size = data_of("square.html")["directories"][0]["run"], os.path.getsize("square.html")
    check("a run on 512 x 512 cells: its page stays below 4 MB", 1e6 < size < 4e6, size)
    check("which shows 40 snapshots of 60 or more", len(run["time"]) >= 30 and run["axes"][0]["shown"] >= 128, (len(run["time"]), run["block"]))


def check_files():
    first = pathlib.Path("line/report.html").read_text()
    mudot("report", "line")
    check("an earlier report is replaced", "mudot report" in first)
    pathlib.Path("notes.txt").write_text("mine\n")
    said = mudot("report", "line", "-output", "notes.txt", status=2).stderr
    check("nothing else is", said.startswith("mudot: -output: notes.txt is there") and pathlib.Path("notes.txt").read_text() == "mine\n", said)
    mudot("report", "line", "-output", "notes.txt", "-overwrite")
    check("-overwrite allows it", "mudot report" in pathlib.Path("notes.txt").read_text())
    mudot("report", "line", "fast")
    check("several directories: report.html here", len(data_of("report.html")["directories"]) == 2)
    for name, arguments, status, words in (
            ("no directory", [], 2, "no directory is given"), ("a directory that is not there", ["absent"], 4, "absent: there is no such directory"),
            ("nothing to show", ["hostile"], 2, "hostile: holds nothing"), ("a file", ["line/run.h5"], 2, "is not a directory"),
            ("an unknown option", ["line", "-ouput", "x"], 2, "there is no such option"), ("an option without its value", ["line", "-output"], 2, "has no value"),
            ("a page that cannot be written", ["line", "-output", "/proc/none/report.html"], 4, "cannot be written")):
        said = mudot("report", *arguments, status=status).stderr
        check(f"refused: {name}", words in said and said.count("\n") == 1, said)
    check_damaged(first)
    two = [MPIEXEC, "-n", "2", MUDOT, "report", "line", "-output", "two.html"]
    subprocess.run(two, check=True, capture_output=True)
    strip = lambda page: re.sub(r'"(created|written)":[^,]*', "", pathlib.Path(page).read_text())
    mudot("report", "line", "-output", "one.html")
    check("two ranks write the page of one", strip("one.html") == strip("two.html"))


def check_damaged(page):
    """A run cut off anywhere gives one sentence or a page, and no half of a page."""
    whole = pathlib.Path("line/run.h5").read_bytes()
    os.mkdir("damaged")
    pathlib.Path("damaged/report.html").write_text(page)
    wrong = []
    for part in range(1, 8):
        pathlib.Path("damaged/run.h5").write_bytes(whole[:part * len(whole) // 8])
        done = subprocess.run([MUDOT, "report", "damaged"], capture_output=True, text=True)
        text = pathlib.Path("damaged/report.html").read_text()
        if done.returncode not in (0, 4) or not text.endswith("</html>\n") or (done.returncode == 4 and done.stderr.count("\n") != 1):
            wrong.append((part, done.returncode, done.stderr))
    check("damaged files", not wrong, wrong[:1])
    check("nothing half-written stays", os.listdir("damaged").__len__() == 2, os.listdir("damaged"))


def check_names():
    """The page's script quotes no name of the tables: formulas and sentences come with the data."""
    text = pathlib.Path("line/report.html").read_text()
    script = text[text.rindex("<script>"):]
    tables = json.loads(mudot("list", "--json").stdout)
    names = {row["name"] for table in ("geometries", "energies", "kernels", "schemes", "diagnostics") for row in tables[table]}
    quoted = [n for n in sorted(names) if re.search(rf"""["'`]{n}["'`]|\b{n}:""", script)]
    check("the script quotes no operator, energy, kernel, scheme or diagnostic", len(names) > 25 and not quoted, quoted)
    data = data_of("line/report.html")
    tables = {kind: {row["name"]: row["formula"] for row in tables[table]} for kind, table in (("energy", "energies"), ("diagnostic", "diagnostics"))}
    columns = data["directories"][0]["run"]["ledger"]["columns"]
    check("formulas come with the data", data["formulas"]["energy"] == tables["energy"] and columns["l1"]["notes"]["long_name"] == tables["diagnostic"]["l1"])


def known(directory):
    """Sentence and rate of the page, and F(T)/F(0) over e^(-2bT), b = 0.75."""
    mudot("report", directory)
    run = data_of(f"{directory}/report.html")["directories"][0]["run"]
    energy, t = (run["ledger"]["columns"][name] for name in ("energy", "t"))
    return run["attributes"]["theorem"], float(run["attributes"]["theorem_rate"]), energy["last"] / energy["first"] * np.exp(1.5 * t["last"])


def check_known():
    """What is known of the decay is what the run wrote, and no more than that."""
    sentence, rate, ratio = known("line")
    check("the decay of a square along its inverse kernel", "F(t) = e^(-2bt) F(0)" in sentence and rate == 1.5 and abs(ratio - 1) < 1e-7, (sentence, rate, ratio))
    for name in ("ridge", "kernels"):
        sentence, rate, ratio = known(name)
        check(f"{name}: no exact decay is claimed where there is none", sentence == "" and np.isnan(rate) and ratio > 1.02, (sentence, rate, ratio))
    sentence, rate, _ = known("plain")
    check("no logarithmic Sobolev rate where the mass changes", sentence == "" and np.isnan(rate), (sentence, rate))
    sentence, rate, _ = known("spherical")
    check("with conserved mass it depends on the target", "e^(-2act)" in sentence and "if the target" in sentence and np.isnan(rate), (sentence, rate))
    check("the letters of a sentence are explained", "a the weights of kl and wasserstein multiplied" in sentence, sentence)
    sentence, rate, _ = known("gaussian")
    ledger = data_of("gaussian/report.html")["directories"][0]["run"]["ledger"]["columns"]
    t, energy = (np.array(ledger[name]["values"], float) for name in ("t", "energy"))
    check("a Gaussian target has its constant, 1/variance, and its bound", "here c = 2" in sentence and abs(rate - 4) < 1e-12, (sentence, rate))
    check("which the energy keeps to, up to the errors of step and grid", (energy <= energy[0] * np.exp(-rate * t) * 1.002).all())
    shutil.copytree("line", "old")
    with h5py.File("old/run.h5", "r+") as file:
        del file.attrs["theorem"], file.attrs["theorem_rate"]
    mudot("report", "old")
    check("a file without the attributes has a page", "theorem" not in data_of("old/report.html")["directories"][0]["run"]["attributes"])


# ---------------------------------------------------------------------- pages in the browser


# the colours of the map, four numbers a pixel, from a copy that is made to be read
COLOURS = """(() => { const c = document.querySelector('#density canvas'), copy = document.createElement('canvas');
    [copy.width, copy.height] = [c.width, c.height];
    const context = copy.getContext('2d', {willReadFrequently: true});
    context.drawImage(c, 0, 0);
    return context.getImageData(0, 0, c.width, c.height); })()"""
CURVE = "document.querySelector('#density path.curve').getAttribute('d')"
PIXELS = "document.querySelector('#density canvas').toDataURL()"
CLOUD_PIXELS = "document.querySelector('#particles canvas').toDataURL()"
NOW = "document.querySelector('#now').textContent"


def open_report(browser, *directories, **options):
    name = "-".join(re.sub(r"\W", "", d)[:12] for d in directories)
    mudot("report", *directories, "-output", f"{name}.html")
    return browser.open(f"{name}.html", **options)


def check_quiet(name, page):
    complaints, requests = page.complaints(), page.requests()
    check(f"{name}: no complaint, no request", not complaints and not requests, complaints + requests)


def check_accessible(name, page):
    lacking = page.evaluate("""[...document.querySelectorAll('figure')].filter(f => !f.closest('.print-only') &&
        !(f.querySelector('svg[role=img]').getAttribute('aria-label').length > 20 && f.querySelector('details table, details'))).length""")
    check(f"{name}: every figure has words and a table", lacking == 0, lacking)
    rows = page.evaluate("""(() => { const all = [...document.querySelectorAll('figure details')]; all.forEach(d => { d.open = true; d.dispatchEvent(new Event('toggle')); });
        const counts = all.map(d => d.querySelectorAll('tbody tr').length); all.forEach(d => { d.open = false; }); return counts; })()""")
    check(f"{name}: the tables have rows", rows and min(rows) > 0, rows)


def check_cut(name, page):
    """At 1280 pixels every table, those folded away too, stands in its place as a whole."""
    page.size(1280, 900)
    page.evaluate("[...document.querySelectorAll('details')].forEach(d => { d.open = true; d.dispatchEvent(new Event('toggle')); })")
    page.settle()
    cut = page.evaluate("""[...document.querySelectorAll('.scroll')].filter(s => s.checkVisibility() && s.scrollWidth > s.clientWidth + 1)
        .map(s => [s.getAttribute('aria-label'), s.scrollWidth, s.clientWidth])""")
    page.evaluate("[...document.querySelectorAll('details')].forEach(d => { d.open = false; })")
    check(f"{name}: no column of a table is cut", not cut, cut)


def check_width(name, page):
    check_cut(name, page)
    page.size(360, 740)
    page.settle()
    time.sleep(0.2)
    width = page.evaluate("document.documentElement.scrollWidth")
    text = page.evaluate("Math.min(...[...document.querySelectorAll('main svg')].filter(s => s.clientWidth > 60).map(s => s.clientWidth / s.viewBox.baseVal.width))")
    check(f"{name}: a phone shows it without scrolling sideways, letters at their size", width <= 360 and text > 0.95, (width, text))
    page.size(1280, 900)
    page.settle()


def check_mapping(browser):
    """Parts that are written as mappings stand in the equation, and their own kernels below it."""
    page = open_report(browser, "mapping")
    text = page.evaluate("document.querySelector('.formula').textContent.replace(/\\s+/g, ' ')")
    check("the equation of parts written as mappings", "+ 0.5" in text and "stein + kernel fisher rao" in text, text)
    check("with the kernels that are their own", "stein: kernel (type = gaussian, bandwidth = 0.8)" in text and
          "kernel fisher rao: kernel (type = matern, smoothness = 1.5, bandwidth = 0.2)" in text, text)


def check_line(browser):
    page = open_report(browser, "line")
    check("the case, the command and the versions", page.evaluate("""['bandwidth: 0.5', 'mudot run line.yaml', 'PETSc', 'FFTW', 'UTC'].every(
        t => document.querySelector('#case').textContent.includes(t))"""))
    check("the equation", page.evaluate("document.querySelector('.formula').textContent.replace(/\\s/g, '').includes('dμ/dt=−K(μ)DF(μ)')"))
    check("balance, energy and diagnostics", page.evaluate("['#energy', '#balance', '#diagnostics'].every(s => document.querySelector(s + ' path.curve'))"))
    energy = page.evaluate("document.querySelector('#energy').textContent")
    check("axes are called as the case says", page.evaluate("document.querySelector('#density svg').textContent.includes('position [mm]')"))
    check("the fitted rate is shown", energy.find("1.5 ±") > 0)
    check("and what is known of it", "Known: " in energy and "the rate is 1.5." in energy)
    raw = page.evaluate("[...document.querySelectorAll('.legend, .note, .formula')].map(n => n.textContent).filter(t => t.includes('^'))")
    check("exponents are set as such", not raw and page.evaluate("document.querySelectorAll('#energy .legend sup').length") >= 2, raw)
    drift = float(re.search(r"mass drift +(\S+) at worst", SAID["line"]).group(1))
    shown = page.evaluate("[...document.querySelectorAll('.tiles dt')].find(n => n.textContent.startsWith('mass drift')).nextSibling.textContent")
    mantissa, exponent = shown.replace("−", "-").split("·10") if "·10" in shown else (shown, "0")
    check("the drift of the mass is what the terminal says", abs(float(mantissa) * 10.0 ** int(exponent) - drift) <= 0.005 * drift, (shown, drift))
    marks = page.evaluate("[...document.querySelectorAll('#balance figure')].slice(0, 2).map(f => f.querySelectorAll('.drawing path[transform]').length)")
    check("R* is points on the curve of R", min(marks) >= 8, marks)
    before = page.evaluate(CURVE)
    page.focus("#time")
    page.key("ArrowRight", 3)
    after = page.evaluate(CURVE)
    check("the slider moves the curve", before != after and page.evaluate(NOW) == "t = 0.3", page.evaluate(NOW))
    check("and the values of that time", page.evaluate("document.querySelector('.now-values td').textContent") != "")
    page.key("End")
    check("End", page.evaluate(NOW) == "t = 2")
    page.key("Home")
    check("Home brings the first curve back", page.evaluate(CURVE) == before)
    page.focus("#density .drawing")
    page.key("ArrowRight")
    check("the keys work on the figure", page.evaluate(NOW) == "t = 0.1")
    check_pointer(page)
    check_play(page)
    check_choices(page)
    check_copy(browser, page)
    check("a margin on both sides", page.evaluate("(() => { const r = document.querySelector('h1').getBoundingClientRect(); return r.left >= 12 && r.right <= innerWidth - 12; })()"))
    check_accessible("line", page)
    check_width("line", page)
    check_themes(page)
    check_print(page, "svg")
    check_quiet("line", page)
    page.close()


def check_reference(browser):
    page = open_report(browser, "certified")
    bars = page.evaluate("[...document.querySelectorAll('#energy figure path')].filter(p => /^M.*H.*M.*V.*M.*H/.test(p.getAttribute('d'))).length")
    with h5py.File("certified/run.h5") as file:
        count, worst = len(file["time"]), file["error/l1"][:].max()
    check("energies of a reference have their bars", bars == count, (bars, count))
    text = page.evaluate("document.querySelector('#error').textContent")
    said = re.search(r"at most about ([\d.]+)(?:·10([−\d]+))? in L¹", text)
    value = float(said.group(1)) * 10.0 ** int((said.group(2) or "0").replace("−", "-"))
    check("the page says the worst error in L¹", abs(value - worst) <= 0.06 * worst, (value, worst))
    check("errors of the grid and of the steps are drawn", page.evaluate("document.querySelectorAll('#error path.curve').length") >= 9)
    check("a table of numbers with their errors", page.evaluate("document.querySelector('#error').textContent").count(" ± ") > 3 * count)
    check_accessible("certified", page)
    check_width("certified", page)
    check_quiet("certified", page)
    page.close()


def check_pointer(page):
    box = page.evaluate("""(() => { document.querySelector('#energy').scrollIntoView({behavior: 'instant'});
        const r = document.querySelector('#energy rect.hit').getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; })()""")
    page.mouse("mouseMoved", *box)
    tip = page.evaluate("(document.querySelector('#energy .tip') || {textContent: ''}).textContent")
    page.mouse("mousePressed", *box)
    page.mouse("mouseReleased", *box)
    check("the pointer reads values and sets the time", tip.endswith(" at 1") and page.evaluate(NOW) == "t = 1", (tip, page.evaluate(NOW)))
    page.focus("#density .drawing")


def check_play(page):
    page.key("Home")
    page.key(" ")
    playing = page.evaluate("document.querySelector('#play').textContent")
    moved = page.evaluate("""new Promise(done => { const start = performance.now(), look = () => Number(document.querySelector('#time').value) >= 3
        ? done(true) : performance.now() - start > 8000 ? done(false) : setTimeout(look, 50); look(); })""")
    page.click("#play")
    stopped = page.evaluate("document.querySelector('#time').value")
    time.sleep(0.6)
    check("space plays, the button pauses", "Pause" in playing and moved and page.evaluate("document.querySelector('#time').value") == stopped)


def check_choices(page):
    ticks = "[...document.querySelectorAll('#density svg text')].map(t => t.textContent).join(' ')"
    before = page.evaluate(ticks)
    page.evaluate("(() => { const s = document.querySelector('.choices select'); s.value = 'log'; s.dispatchEvent(new Event('change')); })()")
    page.settle()
    check("a logarithmic density axis", page.evaluate(ticks) != before and "10" in page.evaluate(ticks))
    page.evaluate("(() => { const s = document.querySelector('#energy select'); s.value = 'linear'; s.dispatchEvent(new Event('change')); })()")
    page.settle()
    check("a linear energy axis", "10" not in page.evaluate("[...document.querySelectorAll('#energy figure svg text tspan[dy]')].slice(0, 1).map(t => t.parentNode.textContent).join(' ')"))


def check_copy(browser, page):
    browser.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    page.call("Page.bringToFront")
    with h5py.File("line/run.h5") as file:
        case = file.attrs["case"]
    page.click(".copy")
    time.sleep(0.3)
    check("the button copies the case", page.evaluate("navigator.clipboard.readText()") == case)
    page.evaluate("navigator.clipboard.writeText('')")
    page.evaluate("Object.defineProperty(navigator.clipboard, 'writeText', {value: () => Promise.reject(new Error('no'))})")
    page.click(".copy")
    time.sleep(0.3)
    check("also where the clipboard's interface is refused", page.evaluate("navigator.clipboard.readText()") == case)


CONTRASTS = """(() => {
  const style = getComputedStyle(document.documentElement), probe = document.createElement('span');
  document.body.append(probe);
  const light = (name) => {
    probe.style.color = style.getPropertyValue(name);
    const c = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];
  };
  const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const pairs = [['--ink', '--paper'], ['--soft', '--paper'], ['--soft', '--raised'], ['--accent', '--paper'], ['--accent-ink', '--accent'], ['--ink', '--mark'],
    ['--good', '--good-bg'], ['--bad', '--bad-bg'], ['--open', '--open-bg'], ...[1, 2, 3, 4, 5, 6, 7, 8].map(n => ['--s' + n, '--paper'])];
  const worst = Math.min(...pairs.map(([a, b]) => contrast(a, b)));
  probe.remove();
  return worst;
})()"""


def check_themes(page):
    background = "getComputedStyle(document.documentElement).backgroundColor"
    for scheme in ("light", "dark"):
        page.media(prefers_color_scheme=scheme)
        page.settle()
        dark = sum(map(int, re.findall(r"\d+", page.evaluate(background))[:3])) < 200
        worst = page.evaluate(CONTRASTS)
        check(f"{scheme}: follows the system, contrast at least 4.5", dark == (scheme == "dark") and worst >= 4.5, worst)
    page.click("#theme")
    check("the button switches", sum(map(int, re.findall(r"\d+", page.evaluate(background))[:3])) > 600)


def check_print(page, what):
    page.call("Emulation.setEmulatedMedia", media="print")
    shown = page.evaluate(f"""[getComputedStyle(document.querySelector('.bar')).display, document.querySelector('.print-only {what}').checkVisibility(),
        getComputedStyle(document.documentElement).backgroundColor]""")
    check("print: no slider, some frames, white", shown == ["none", True, "rgb(255, 255, 255)"], shown)
    page.call("Emulation.setEmulatedMedia", media="")
    pdf = page.pdf()
    check("print: a PDF of several pages", pdf.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2)


def check_plane(browser):
    page = open_report(browser, "plane")
    before = page.evaluate(PIXELS)
    clear = page.evaluate(f"{COLOURS}.data.filter((v, i) => i % 4 === 3 && v === 0).length")
    with h5py.File("plane/run.h5") as file:
        outside = int((file["grid/mask"][:] == 0).sum())
    check("the cells outside the domain are left clear", clear == outside > 0, (clear, outside))
    check("the target's contours", page.evaluate("[...document.querySelectorAll('#density .screen-only path.contour')].filter(p => p.getAttribute('d').length > 50).length") == 3)
    page.focus("#time")
    page.key("ArrowRight", 4)
    check("the slider moves the map", page.evaluate(PIXELS) != before and page.evaluate(NOW) == "t = 0.16", page.evaluate(NOW))
    page.key("Home")
    check("and back", page.evaluate(PIXELS) == before)
    check_colours(page)
    check_accessible("plane", page)
    check_width("plane", page)
    check_print(page, "canvas")
    check_quiet("plane", page)
    page.close()


def check_colours(page):
    """The brightest pixel stands where the density of the first snapshot is largest."""
    with h5py.File("plane/run.h5") as file:
        j, i = np.unravel_index(file["density"][0].argmax(), file["density"].shape[1:])
    at = page.evaluate(f"""(() => {{ const image = {COLOURS}, d = image.data;
        let best = 0; for (let k = 0; k < d.length; k += 4) if (d[k] + d[k + 1] > d[best] + d[best + 1]) best = k;
        return [Math.floor(best / 4 / image.width), (best / 4) % image.width]; }})()""")
    with h5py.File("plane/run.h5") as file:
        height = file["density"].shape[1]
    check("up is up", [height - 1 - at[0], at[1]] == [j, i], (at, j, i))


def check_several(browser):
    page = open_report(browser, "ridge", "plain", "old")
    check("nothing is said where nothing is known", "Known" not in page.evaluate("document.querySelector('#energy').textContent"))
    check_quiet("nothing known", page)
    page.close()
    page = open_report(browser, "line", "fast", "plane", "study", "rate")
    check("runs side by side", page.evaluate("document.querySelectorAll('#density .columns > div').length") == 3)
    check("their energies in one figure", page.evaluate("document.querySelectorAll('#energy figure')[0].querySelectorAll('path.curve').length") >= 3)
    curves = "[...document.querySelectorAll('#density .screen-only figure')].map(f => (f.querySelector('canvas') ? f.querySelector('canvas').toDataURL() : f.querySelector('path.curve').getAttribute('d')).length + f.textContent)"
    before = page.evaluate(curves)
    page.focus("#time")
    page.key("ArrowRight", 6)
    check("one slider for all", all(a != b for a, b in zip(before, page.evaluate(curves))))
    check("lines that differ are marked", page.evaluate("[...document.querySelectorAll('#case mark')].some(m => m.textContent.includes('mmd: 1.5'))"))
    check_studies(page)
    check_accessible("several", page)
    check_width("several", page)
    check_quiet("several", page)
    page.close()


def check_studies(page):
    with h5py.File("study/study.h5") as file:
        verdict, order = file.attrs["verdict"], file.attrs["order"]
    text = page.evaluate("document.querySelector('#part-study').textContent")
    check("verdict and order of a study", verdict in text and f"{order:.4g}".replace("-", "−").rstrip("0") in text, order)
    check("its errors with their slopes", page.evaluate("document.querySelectorAll('#part-study figure')[0].textContent").count("slope") >= 2)
    check("its rows", page.evaluate("[...document.querySelectorAll('#part-study table')].some(t => t.caption && t.caption.textContent === 'All rows' && t.tBodies[0].rows.length === 4)"))
    check("a rate with its bound", page.evaluate("document.querySelector('#part-rate').textContent").count("constant") >= 1)
    check("one number per rate: the study's", "±" not in page.evaluate("document.querySelector('#energy').textContent"))


def check_rate(browser):
    page = open_report(browser, "bound")
    text = page.evaluate("document.querySelector('#studies').textContent")
    with h5py.File("bound/study.h5") as file:
        fit, bound = file.attrs["order_rate"], file.attrs["order"]
    said = float(re.search(r"Observed rate ([\d.]+)", text).group(1))
    check("the rate of the page is that of the fit, as on the terminal", abs(said - fit) < 1e-3 * fit and abs(bound - fit) > 0.1, (said, fit, bound))
    check("the bound has its own entry in the legend", "the bound" in page.evaluate("document.querySelector('#studies .legend').textContent"))
    check_quiet("bound", page)
    page.close()


def check_particles(browser):
    page = open_report(browser, "cloud")
    before = page.evaluate(CLOUD_PIXELS)
    page.focus("#time")
    page.key("End")
    check("the slider moves the particles", page.evaluate(CLOUD_PIXELS) != before)
    check("mmd2 over time", "MMD²" in page.evaluate("document.querySelector('#particles').textContent"))
    check_accessible("particles", page)
    check_width("particles", page)
    check_quiet("particles", page)
    page.close()
    page = open_report(browser, "walk", "line", "compare", "running", "half")
    histogram = "document.querySelector('#particles path.curve').getAttribute('d')"
    before = page.evaluate(histogram)
    page.focus("#time")
    page.key("End")
    check("the slider moves the histogram", page.evaluate(histogram) != before)
    text = page.evaluate("document.querySelector('#comparisons').textContent")
    check("a comparison", "the method limits: W2" in text and "mmd2" in text and "✓ sampling" in text)
    text = page.evaluate("document.querySelector('#studies').textContent")
    check("a study that is not finished", "not finished" in text and "density error l1" in text and "vary: [kernel_bandwidth]" in text)
    check("a run that is not finished", "not finished" in page.evaluate("document.querySelector('.notice').textContent"))
    check_width("comparison", page)
    check_quiet("comparison", page)
    page.close()
    for runs, note in (("fast",), "None of the runs is the flow of these particles"), (("walked", "fast"), "The density is that of walked."):
        page = open_report(browser, "walk", "line", *runs)
        text = page.evaluate("document.querySelector('#particles').textContent")
        check(f"beside {' and '.join(runs)} particles say whose density they have", note in text)
        check("and have it", ("density of the grid run" in text) == ("walked" in runs))
        check_quiet(f"particles beside {runs}", page)
        page.close()
    page = open_report(browser, "compared")
    check("a comparison alone has its badge", "as samples" in page.evaluate("document.querySelector('.badges').textContent"))
    check("and its particles over the density", page.evaluate("document.querySelectorAll('#comparisons canvas').length") == 1
          and page.evaluate("[...document.querySelectorAll('#comparisons .drawing path.curve')].filter(p => p.getAttribute('d').length > 50).length") == 3)
    check_width("one comparison", page)
    check_quiet("one comparison", page)
    page.close()


def check_hostile(browser):
    page = open_report(browser, HOSTILE)
    check("a hostile name is text", page.evaluate("document.querySelectorAll('img').length") == 0 and page.evaluate("document.title") != "1"
          and HOSTILE in page.evaluate("document.querySelector('h1').textContent"))
    check("a hostile case is text", 'onerror=' in page.evaluate("document.querySelector('#case pre').textContent"))
    check_width("hostile", page)
    check_quiet("hostile", page)
    page.close()
    page = open_report(browser, "long", "fine")
    text = page.evaluate("document.querySelector('#density').textContent")
    check("the page says what it leaves out", "every 3th" not in text and re.search(r"every \d+(st|nd|rd|th) of 3200 snapshots", text) and "blocks of 3 × 3 cells" in text)
    check_quiet("long", page)
    page.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without-browser", action="store_true", help="only what stands in the pages")
    arguments = parser.parse_args()
    if not arguments.without_browser and not installed():
        print("Chromium is not installed (scripts/install-deps browser)")
        return 77
    with tempfile.TemporaryDirectory(prefix="mudot-report-") as work:
        os.chdir(work)
        make_results()
        check_data()
        check_names()
        check_known()
        check_files()
        if not arguments.without_browser:
            with Chromium() as browser:
                for part in (check_line, check_reference, check_mapping, check_plane, check_several, check_particles, check_rate, check_hostile):
                    part(browser)
        os.chdir("/")
    print(f"{results['passed']} passed, {results['failed']} failed, 0 skipped")
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
