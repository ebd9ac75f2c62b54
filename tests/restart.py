#!/usr/bin/python3
"""Runs that are killed, stopped, starved of disk space and restarted: the final file has the bits of
the run that was left alone, and nothing that was finished is ever lost. One line per check; closes
with totals. Usage: BUILD=build tests/restart.py     (MPIEXEC overrides mpiexec, SEED the kills)"""
import hashlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("BUILD", "build")
MUDOT = os.path.join(BUILD if os.path.isabs(BUILD) else os.path.join(ROOT, BUILD), "mudot")
MPIEXEC = os.environ.get("MPIEXEC", "mpiexec")
SEED = int(os.environ.get("SEED", "1"))
KILLS = 20

LINE = """grid:     {lower: [-6], upper: [6], cells: [64], boundary: no_flux}
target:   {type: mixture, weights: [0.5, 0.5], means: [-1.5, 1.5], covariances: [0.64, 0.64]}
initial:  {type: gaussian, mean: [2], covariance: [0.25]}
energy:   {kl: 1}
geometry: {wasserstein: 1, kernel_fisher_rao: 1}
kernel:   {type: gaussian, bandwidth: 0.3}
time:     {end: 1, step: 0.005}
output:   {directory: out, every: 0.1, checkpoint: 10 steps, diagnostics: [kl, l1]}
"""
PLANE = """grid:     {lower: [-2, -2], upper: [2, 2], cells: [24, 20], boundary: no_flux}
target:   {type: formula, log_density: "-(x^2-1)^2-0.5*y^2-0.3*x*y"}
initial:  {type: gaussian, mean: [0.5, 0.2], covariance: [0.25, 0, 0, 0.3]}
energy:   {mmd: 1}
geometry: {wasserstein: 1, mmd: 1, face_mean: upwind}
kernel:   {type: matern, bandwidth: 0.6}
time:     {end: 1, step: 0.01, adapt: true, tolerance: 1e-5}
output:   {directory: out, every: 0.3, checkpoint: 7 steps, ledger: 4 steps}
"""
ROWS = """grid:     {lower: [-3, -3], upper: [3, 3], cells: [32, 28], boundary: no_flux}
target:   {type: formula, log_density: "-(x^2-1)^2-0.5*y^2-0.3*x*y"}
initial:  {type: gaussian, mean: [0.5, 0.2], covariance: [0.25, 0, 0, 0.3]}
energy:   {kl: 1}
geometry: {wasserstein: 1, fisher_rao: 1, spherical: true}
time:     {end: 1, tolerance: 1e-9}
output:   {directory: out, every: 0.3, checkpoint: 3 steps}
"""
CLOUD = """target:   {type: mixture, weights: [0.5, 0.5], means: [-1.5, 1.5], covariances: [0.64, 0.64]}
initial:  {type: gaussian, mean: [2], covariance: [0.25]}
energy:   {mmd: 1}
geometry: {wasserstein: 1, mmd: 0.5, spherical: true}
kernel:   {type: gaussian, bandwidth: 0.5, extension: zero}
particles: {method: ift, count: 300, ledger_every: 3, target_samples: fresh}
time:     {end: 1, step: 0.005}
output:   {directory: out, every: 0.1, checkpoint: 10 steps}
"""
BIRTH = """grid:     {lower: [-4, -4], upper: [4, 4], cells: [32, 32], boundary: no_flux}
target:   {type: gaussian, mean: [1, 0], covariance: [0.5, 0, 0, 0.3]}
initial:  {type: gaussian, mean: [-1, 0.5], covariance: [0.25, 0, 0, 0.25]}
energy:   {mmd: 1}
geometry: {wasserstein: 1, fisher_rao: 5, spherical: true}
kernel:   {type: gaussian, bandwidth: 0.6, extension: zero}
particles: {method: wfr, weight_step: birth_death, count: 500}
time:     {end: 1, step: 0.005}
output:   {directory: out, every: 0.3, checkpoint: 7 steps}
"""
CASES = {"line.yaml": LINE, "plane.yaml": PLANE, "rows.yaml": ROWS, "cloud.yaml": CLOUD, "birth.yaml": BIRTH}
CLOUDS = {"cloud.yaml", "birth.yaml"}  # those of mudot particles
FREE = {"started", "finished", "command_line", "restarts"}  # attributes that two runs may differ in

passed = failed = skipped = 0


def check(name, good, why=""):
    global passed, failed
    if good:
        passed += 1
        print(f"ok      {name}", flush=True)
    else:
        failed += 1
        print(f"FAILED  {name}: {why}", flush=True)
    return good


def start(*arguments, ranks=1, **options):
    command = [MPIEXEC, "-n", str(ranks)] if ranks > 1 else []
    command += [MUDOT, "particles" if arguments[0] in CLOUDS else "run", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            start_new_session=True, **options)


def finish(run):
    out, err = run.communicate(timeout=120)
    return run.returncode, out, err


def run(*arguments, **options):
    return finish(start(*arguments, **options))


def results(directory):
    """run.h5 or particles.h5."""
    cloud = directory + "/particles.h5"
    return cloud if os.path.exists(cloud) else directory + "/run.h5"


def snapshots(directory):
    """Number of finished snapshots and the bits of every one; 0 if there is no file yet."""
    path = results(directory)
    if not os.path.exists(path):
        return 0, []
    with h5py.File(path, "r") as f:
        n = len(f["time"])
        series = [f[name] for name in ("density", "position", "weight") if name in f]
        return n, [b"".join(s[k].tobytes() for s in series) for k in range(n)]


def is_close(x, y, tolerance):
    """Whether two attributes are numbers, stored as such or as text, that differ by rounding alone."""
    try:
        return bool(np.isclose(float(x), float(y), rtol=tolerance, atol=0))
    except (TypeError, ValueError):
        return False


def differences(a, b, tolerance=None):
    """What of two directories differs: datasets bit by bit (or to a relative tolerance), attributes,
    ledger.csv and run.xdmf."""
    found = []
    with h5py.File(results(a), "r") as f, h5py.File(results(b), "r") as g:
        sets = {}
        for k, file in enumerate((f, g)):
            file.visititems(lambda name, o, k=k: sets.setdefault(name, [None, None]).__setitem__(k, o))
        for name, (x, y) in sets.items():
            if x is None or y is None:
                found.append(f"{name} is missing")
            elif isinstance(x, h5py.Dataset):
                if x.shape != y.shape:
                    found.append(f"{name} {x.shape} {y.shape}")
                elif tolerance is None and x[()].tobytes() != y[()].tobytes():
                    found.append(f"{name}: bits")
                elif tolerance is not None and not np.allclose(x[()], y[()], rtol=tolerance,
                                                               atol=tolerance):
                    found.append(f"{name}: {np.abs(x[()] - y[()]).max()}")
        for name in set(f.attrs) | set(g.attrs):
            if name in FREE or (tolerance is not None and name == "mpi_ranks"):
                continue
            x, y = f.attrs.get(name), g.attrs.get(name)
            if name == "case":  # of another directory
                x, y = x.replace(a, "out"), y.replace(b, "out")
            if x != y and not (tolerance is not None and is_close(x, y, tolerance)):
                found.append(f"attribute {name}: {x} {y}")
    texts = [name for name in ("ledger.csv", "run.xdmf") if os.path.exists(f"{a}/{name}")]
    for name in texts if tolerance is None else ():
        if open(f"{a}/{name}").read() != open(f"{b}/{name}").read():
            found.append(name)
    return found


def same(name, a, b, **options):
    found = differences(a, b, **options)
    check(name, not found, "; ".join(found))


def fingerprint(directory):
    return {name: hashlib.sha1(open(os.path.join(directory, name), "rb").read()).hexdigest()
            for name in sorted(os.listdir(directory)) if name != ".run.lock"}  # what a kill leaves of it goes


def wait_for(condition, seconds=60):
    end = time.time() + seconds
    while not condition() and time.time() < end:
        time.sleep(0.005)
    return condition()


def running_at(directory, rows):
    """Waits until the run in a directory has written some rows of its ledger."""
    path = directory + "/ledger.csv"
    return wait_for(lambda: os.path.exists(path) and open(path, "rb").read().count(b"\n") > rows)


def flip(path, at=700):
    data = bytearray(open(path, "rb").read())
    data[at] ^= 8
    open(path, "wb").write(data)


# ---------------------------------------------------------------------- kills


def kill_until_done(name, case, ranks, kills, generator):
    """Kills at random moments, in the restart as well, until `kills` have hit; then to the end."""
    reference, directory = f"{name}-whole", f"{name}-killed"
    began = time.time()
    code, _, err = run(case, "-output_directory", reference, ranks=ranks)
    lasts = time.time() - began
    if not check(f"{name}: a run left alone", code == 0, err):
        return
    _, good = snapshots(reference)
    hits, done, seen, lost, wrong, restarted = 0, False, 0, 0, 0, 0
    while not done and hits < 4 * kills:
        pause = generator.uniform(0.1, 1) * lasts
        process = start(case, "-output_directory", directory, "-restart", ranks=ranks)
        try:
            process.wait(timeout=pause if hits < kills else 120)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            hits += 1
        out, err = process.communicate()
        restarted += "restart         from t = " in out
        n, bits = snapshots(directory)
        lost += n < seen
        wrong += sum(x != y for x, y in zip(bits, good))
        seen = max(seen, n)
        if process.returncode == 0 and hits < kills:  # done too early: from the beginning
            shutil.rmtree(directory)
            seen = 0
        done = process.returncode == 0 and hits >= kills
        if process.returncode not in (0, -signal.SIGKILL) and process.returncode is not None:
            check(f"{name}: a restart after a kill", False, f"{process.returncode}: {err}")
            return
    check(f"{name}: {hits} kills, the last restart ends", done and hits >= kills)
    check(f"{name}: no finished snapshot was lost", lost == 0, f"{lost} times")
    check(f"{name}: every finished snapshot had the right bits", wrong == 0, f"{wrong} wrong")
    same(f"{name}: the final file has the bits of the run left alone", reference, directory)


def kills(generator):
    kill_until_done("line", "line.yaml", 1, KILLS // 2, generator)
    kill_until_done("plane", "plane.yaml", 1, KILLS // 2, generator)
    kill_until_done("rows", "rows.yaml", 1, KILLS // 5, generator)
    kill_until_done("ranks", "plane.yaml", 2, 3, generator)
    kill_until_done("cloud", "cloud.yaml", 1, KILLS // 4, generator)
    kill_until_done("birth", "birth.yaml", 1, KILLS // 5, generator)
    kill_until_done("cloud ranks", "cloud.yaml", 2, 2, generator)


# ---------------------------------------------------------------------- signals and the clock


def status_of(directory):
    with h5py.File(results(directory), "r") as f:
        return f.attrs["status"]


def signals_of(case, whole, command, tolerance):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        name = f"{number.name}-{command}"
        process = start(case, "-output_directory", name)
        running_at(name, 20)
        process.send_signal(number)
        code, out, err = finish(process)
        check(f"{name} stops the run with status 5", code == 5, f"{code} {err}")
        check(f"{name} is recorded", status_of(name).startswith("interrupted at t = ")
              and status_of(name).endswith(number.name), status_of(name))
        check(f"{name}: the command to go on is printed",
              f"go on with      {MUDOT} {command} {case} -output_directory {name} -restart\n" in out,
              out)
        code, out, err = run(case, "-output_directory", name, "-restart")
        check(f"{name}: the restart says from where", code == 0 and "restart         from t = 0." in out
              and "checkpoint.h5" in out, f"{code} {out} {err}")
        same(f"{name}: the same bits", whole, name)

    usr = f"usr-{command}"
    process = start(case, "-output_directory", usr, "-output_checkpoint", "false")
    running_at(usr, 20)
    none = not os.path.exists(f"{usr}/checkpoint.h5")
    process.send_signal(signal.SIGUSR1)
    there = wait_for(lambda: os.path.exists(f"{usr}/checkpoint.h5"))
    code, _, err = finish(process)
    check(f"{command}: SIGUSR1 has a checkpoint written and the run goes on", none and there and code == 0,
          f"{none} {there} {code} {err}")

    limit = f"limit-{command}"
    code, out, err = run(case, "-output_directory", limit, "-time_end", "1000",
                         "-output_every", "100", "-time_wall_limit", "1.5s")
    check(f"{command}: the limit of time stops the run with status 5",
          code == 5 and status_of(limit).endswith("time_wall_limit"), f"{code} {err}")

    both = f"both-{command}"
    process = start(case, "-output_directory", both, ranks=2)
    running_at(both, 20)
    children = open(f"/proc/{process.pid}/task/{process.pid}/children").read().split()
    os.kill(int(children[1]), signal.SIGTERM)
    code, out, err = finish(process)
    check(f"{command}: a signal that one rank of two gets stops both", code == 5 and f"mpiexec -n 2 {MUDOT} {command}" in out,
          f"{code} {err}")
    code, out, err = run(case, "-output_directory", both, "-restart")
    check(f"{command}: a restart on one rank instead of two says so", code == 0 and "to rounding" in out, out)
    same(f"{command}: and gives the same to rounding", whole, both, tolerance=tolerance)


def signals():
    signals_of("line.yaml", "line-whole", "run", 1e-9)
    signals_of("birth.yaml", "birth-whole", "particles", 1e-9)


def second_interrupt():
    """The first step of this case factors for seconds."""
    process = start("plane.yaml", "-output_directory", "twice", "-grid_cells", "512,512",
                    "-energy_kl", "1", "-energy_mmd", "0", "-geometry_mmd", "0",
                    "-geometry_face_mean", "auto", "-time_transport_solver", "direct",
                    "-time_adapt", "false")
    wait_for(lambda: os.path.exists("twice/ledger.csv"))
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    check("a second SIGINT ends the run at once", code == -signal.SIGINT, f"{code} {err}")


# ---------------------------------------------------------------------- damage and mistakes


def half_way(directory, case="line.yaml", rows=60):
    process = start(case, "-output_directory", directory)
    running_at(directory, rows)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def damage():
    half_way("hurt")
    shutil.copytree("hurt", "cut")
    flip("hurt/checkpoint.h5")
    code, out, err = run("line.yaml", "-output_directory", "hurt", "-restart")
    check("a flipped bit: the state before is taken, and both are told",
          code == 0 and "checkpoint.h5 is damaged" in err and "(hurt/checkpoint.1.h5)" in out,
          f"{code} {out} {err}")
    same("a flipped bit: the same bits in the end", "line-whole", "hurt")

    os.truncate("cut/checkpoint.h5", 1000)
    flip("cut/checkpoint.1.h5")
    before = fingerprint("cut")
    code, out, err = run("line.yaml", "-output_directory", "cut", "-restart")
    check("both damaged: status 4, one sentence, nothing changed",
          code == 4 and len(err.splitlines()) == 1 and "checkpoint.h5 is" in err
          and "checkpoint.1.h5 is" in err and fingerprint("cut") == before, f"{code} {err}")
    os.unlink("cut/checkpoint.h5")
    os.unlink("cut/checkpoint.1.h5")
    code, out, err = run("line.yaml", "-output_directory", "cut", "-restart")
    check("without checkpoints it begins at t = 0", code == 0 and "from t = 0" in out, f"{code} {err}")
    same("and ends with the same bits", "line-whole", "cut")

    half_way("other")
    before = fingerprint("other")
    for key, value in (("time_step", "0.004"), ("kernel_bandwidth", "0.31"), ("energy_mmd", "1")):
        code, out, err = run("line.yaml", "-output_directory", "other", "-restart", "-" + key, value)
        check(f"another {key} is refused by name",
              code == 2 and key in err and len(err.splitlines()) == 1
              and fingerprint("other") == before, f"{code} {err}")
    code, out, err = run("line.yaml", "-output_directory", "other")
    check("without -restart the results are refused", code == 2 and fingerprint("other") == before,
          f"{code} {err}")
    code, out, err = run("line.yaml", "-output_directory", "other", "-restart", "-time_end", "1.2")
    whole, _, _ = run("line.yaml", "-output_directory", "longer", "-time_end", "1.2")
    check("another time_end is allowed", code == 0 and whole == 0, f"{code} {err}")
    same("and gives what a run to there gives", "longer", "other")

    before = fingerprint("line-whole")
    code, out, err = run("line.yaml", "-output_directory", "line-whole", "-restart")
    check("a run that is done stays as it is",
          code == 0 and "is done" in out and fingerprint("line-whole") == before, f"{code} {out} {err}")


def damaged_clouds():
    half_way("hurt-cloud", "cloud.yaml", 20)
    shutil.copytree("hurt-cloud", "cut-cloud")
    flip("hurt-cloud/checkpoint.h5")
    code, out, err = run("cloud.yaml", "-output_directory", "hurt-cloud", "-restart")
    check("a cloud and a flipped bit: the state before is taken, and both are told",
          code == 0 and "checkpoint.h5 is damaged" in err and "/checkpoint.1.h5)" in out,
          f"{code} {out} {err}")
    same("a cloud and a flipped bit: the same bits in the end", "cloud-whole", "hurt-cloud")
    before = fingerprint("cut-cloud")
    for key, value in (("particles_seed", "2"), ("particles_ledger_every", "2"), ("time_step", "0.004")):
        code, out, err = run("cloud.yaml", "-output_directory", "cut-cloud", "-restart", "-" + key, value)
        check(f"a cloud and another {key} is refused by name",
              code == 2 and key in err and len(err.splitlines()) == 1
              and fingerprint("cut-cloud") == before, f"{code} {err}")
    os.truncate("cut-cloud/checkpoint.h5", 1000)
    flip("cut-cloud/checkpoint.1.h5")
    before = fingerprint("cut-cloud")
    code, out, err = run("cloud.yaml", "-output_directory", "cut-cloud", "-restart")
    check("a cloud with both damaged: status 4, one sentence, nothing changed",
          code == 4 and len(err.splitlines()) == 1 and fingerprint("cut-cloud") == before,
          f"{code} {err}")
    os.unlink("cut-cloud/checkpoint.h5")
    os.unlink("cut-cloud/checkpoint.1.h5")
    code, out, err = run("cloud.yaml", "-output_directory", "cut-cloud", "-restart")
    check("a cloud without checkpoints begins at t = 0", code == 0 and "from t = 0" in out,
          f"{code} {err}")
    same("and ends with the same bits", "cloud-whole", "cut-cloud")
    before = fingerprint("cloud-whole")
    code, out, err = run("cloud.yaml", "-output_directory", "cloud-whole", "-restart")
    check("a run of particles that is done stays as it is",
          code == 0 and "is done" in out and fingerprint("cloud-whole") == before, f"{code} {err}")
    points = np.random.default_rng(1).normal(size=(400, 1))
    np.savetxt("points.csv", points, delimiter=",")
    text = CLOUD.replace("{type: mixture, weights: [0.5, 0.5], means: [-1.5, 1.5], covariances: "
                         "[0.64, 0.64]}", "{type: samples, smoothing: none, file: points.csv}")
    open("sampled.yaml", "w").write(text.replace("fresh", "exact"))
    CLOUDS.add("sampled.yaml")
    half_way("sampled", "sampled.yaml", 20)
    np.savetxt("points.csv", points + 0.1, delimiter=",")
    before = fingerprint("sampled")
    code, out, err = run("sampled.yaml", "-output_directory", "sampled", "-restart")
    check("a cloud whose target's file has changed is refused",
          code == 2 and "has changed" in err and len(err.splitlines()) == 1
          and fingerprint("sampled") == before, f"{code} {err}")


def numerical_faults():
    """Status 3, one sentence that names the reason and the last good state, and that state on disk."""
    faults = {
        "a formula that makes the density overflow in the middle of the flow": (
            ["-geometry_wasserstein", "0", "-geometry_kernel_fisher_rao", "0",
             "-geometry_fisher_rao", "1", "-energy_kl", "0", "-energy_potential", "1",
             "-energy_potential_formula", "-x^2", "-time_end", "100", "-time_step", "0.5",
             "-output_every", "10"], "no longer finite"),
        "the same with rates that overflow": (
            ["-geometry_wasserstein", "0", "-energy_kl", "0", "-energy_potential", "1",
             "-energy_potential_formula", "-x^2", "-time_end", "100", "-time_step", "0.5",
             "-output_every", "10"], "too fast for explicit inner steps"),
        "a formula of 1e300": (
            ["-geometry_wasserstein", "0", "-energy_potential", "1", "-energy_potential_formula",
             "1e300*x"], "too fast for explicit inner steps"),
        "an interaction that is not positive definite and far too strong": (
            ["-geometry_kernel_fisher_rao", "0", "-energy_interaction", "1", "-time_scheme",
             "discrete_gradient", "-energy_interaction_formula", "-1e7*x^2", "-output_diagnostics",
             "l1"], None),
        "a solve with a ridge far too small": (
            ["-geometry_wasserstein", "0", "-geometry_kernel_fisher_rao", "0",
             "-geometry_ridge_fisher_rao", "1", "-geometry_ridge", "1e-300", "-output_diagnostics",
             "l1"], None),
    }
    for number, (name, (keys, word)) in enumerate(faults.items()):
        directory = f"fault{number}"
        code, out, err = run("line.yaml", "-output_directory", directory, *keys)
        lines = [l for l in err.splitlines() if not l.startswith("mudot: warning")]
        good = code == 3 and len(lines) == 1 and lines[0].startswith("mudot: ")
        if good and "the last good state" in lines[0]:
            n, _ = snapshots(directory)
            with h5py.File(directory + "/run.h5", "r") as f:
                last = f["density"][n - 1]
                check(f"{name}: every time is there once", (np.diff(f["time"]) > 0).all(),
                      f["time"][:])
                good = (np.isfinite(last).all() and last.min() >= 0
                        and f.attrs["status"].startswith("failed: ")
                        and f"t = {f['time'][n - 1]:g}" in lines[0])
        check(f"{name}: status 3, the reason, the last good state",
              good and "the last good state" in lines[0] and (not word or word in lines[0]),
              f"{code} {err}")
        for reader in (["sample", directory, "-n", "3"], ["report", directory]):
            done = subprocess.run([MUDOT, *reader], capture_output=True, text=True)
            check(f"{name}: mudot {reader[0]} takes the file", done.returncode == 0, done.stderr)
    for formula, word in (("log(x)", "nan"), ("1/x", None), ("exp(1000*x^2)", "inf")):
        code, out, err = run("line.yaml", "-output_directory", "formula", "-grid_cells", "65",
                             "-energy_potential", "1", "-energy_potential_formula", formula)
        check(f"a potential {formula} that is not finite is refused before the flow begins",
              code == 2 and "energy_potential_formula" in err and len(err.splitlines()) == 1
              and not os.path.exists("formula/run.h5"), f"{code} {err}")


# ---------------------------------------------------------------------- disks


def starved(name, directory, starve=lambda process: None):
    """A run that can no longer write ends with 4 and names the state; a restart with room goes on."""
    process = start("line.yaml", "-output_directory", directory)
    starve(process)
    code, _, err = finish(process)
    lines = [line for line in err.splitlines() if "warning" not in line]
    check(f"{name}: status 4, and the state to go on from is named",
          code == 4 and "-restart" in err and len(lines) == 1, f"{code} {err}")
    n, bits = snapshots(directory)
    _, good = snapshots("line-whole")
    check(f"{name}: the finished snapshots are there", bits == good[:n], f"{n}")


def limit_files(process):
    """Half of what the ledger takes, once the run has begun (MPI has files of its own)."""
    size = os.path.getsize("line-whole/ledger.csv") // 2
    running_at("small", 10)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, size))


def full_disks():
    starved("files of limited size", "small", limit_files)
    code, out, err = run("line.yaml", "-output_directory", "small", "-restart")
    check("with room a restart goes on", code == 0 and "restart         from t = " in out, err)
    same("to the same bits", "line-whole", "small")

    os.makedirs("blocked/checkpoint.h5.partial")
    code, out, err = run("line.yaml", "-output_directory", "blocked")
    check("a checkpoint that cannot be written is one warning, and the run goes on",
          code == 0 and err.count("warning") == 1 and "checkpoint.h5" in err, f"{code} {err}")
    same("to the same bits", "line-whole", "blocked")


def mount(*arguments):
    return subprocess.run(["mount", *arguments], capture_output=True, text=True)


def mounted_disks():
    os.mkdir("disk")
    made = mount("-t", "tmpfs", "-o", "size=160k", "tmpfs", "disk")
    if made.returncode != 0:
        global skipped
        skipped += 1
        print(f"skipped a full disk and one turned read-only: {made.stderr.strip()}")
        return
    try:
        starved("a full disk", "disk/out")
        mount("-o", "remount,size=4m", "disk")
        code, out, err = run("line.yaml", "-output_directory", "disk/out", "-restart")
        check("with room a restart goes on", code == 0, err)
        same("to the same bits", "line-whole", "disk/out")
        shutil.rmtree("disk/out")
        half_way("disk/out")
        before = fingerprint("disk/out")
        turned = mount("-o", "remount,ro", "disk")
        if check("the disk is turned read-only", turned.returncode == 0, turned.stderr):
            code, out, err = run("line.yaml", "-output_directory", "disk/out", "-restart")
            check("on a disk turned read-only: status 4, one sentence, nothing changed",
                  code == 4 and len(err.splitlines()) == 1 and fingerprint("disk/out") == before,
                  f"{code} {err}")
            mount("-o", "remount,rw", "disk")
            code, out, err = run("line.yaml", "-output_directory", "disk/out", "-restart")
            check("writable again, a restart goes on", code == 0, err)
            same("to the same bits", "line-whole", "disk/out")
    finally:
        subprocess.run(["umount", "disk"], check=False)


def main():
    generator = random.Random(SEED)
    work = tempfile.mkdtemp(prefix="mudot-restart-")
    os.chdir(work)
    print(f"seed {SEED}")
    try:
        for name, text in CASES.items():
            open(name, "w").write(text)
        parts = (lambda: kills(generator), signals, second_interrupt, damage, damaged_clouds, numerical_faults,
                 full_disks, mounted_disks)
        for part in parts:
            began = time.time()
            part()
            print(f"        ({time.time() - began:.1f} s)", flush=True)
    finally:
        os.chdir("/")
        shutil.rmtree(work, ignore_errors=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if failed == 0 and passed > 0 else 1


sys.exit(main())
