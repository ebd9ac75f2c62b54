#!/usr/bin/python3
"""Golden results: what a program computes for a fixed set of cases, kept, and compared with what
another build of it computes. Meant for changes that are to move code and not numbers.

    tests/golden.py record PROGRAM DIR [--stress build/tests/stress] [--count 300] [--seed 7] [-j 2]
    tests/golden.py compare PROGRAM DIR [--relative 0] [--only NAME] [--strict] [--verbose] [-j 2]

The cases are the shipped ones, some of them shortened, variants of the particle cases, one for each
method, and random ones of tests/stress.c. `record` copies everything that they read into
DIR/inputs, so that DIR is complete in itself: `compare` needs neither the shipped files nor stress.
Of every run the exit status, the last line of stderr and the datasets of run.h5 or particles.h5 are
kept. Attributes are not: they hold dates, times and paths. Grids have less than 65536 cells, above
which FFTW's plans are measured and the bits differ from run to run.

`compare` prints a line for each case that is not equal to the bit. It compares the datasets with
those of DIR: the largest difference over the largest modulus of the dataset, and the first index
along its first axis (step of the ledger, snapshot) that differs. A case with a dataset that differs
by more than --relative, or with another exit status or sentence, differs. Datasets on one side only
are named but count only with --strict. The exit status is 1 if a case differs, 2 for a mistake."""
import argparse
import concurrent.futures
import fnmatch
import glob
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import h5py
import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LONGEST = {"record": 3, "compare": 20}  # seconds of processor time of one run
LONGEST_WAIT = 300  # seconds, whatever else the machine does
STARTS = 3  # tries, where MPI does not start
RESULTS = ("run.h5", "particles.h5")
ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_ess_singleton_isolated": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
KILLED = (-signal.SIGKILL, -signal.SIGXCPU, 128 + signal.SIGKILL, 128 + signal.SIGXCPU)
# The limit on processor time does not depend on what else the machine does.
LIMITED = ["sh", "-c", 'ulimit -t "$0" && exec timeout -k 5 "$@"']

SHORTENED = {  # shipped cases that take long
    "chi2": "-time_end 0.08",
    "energy-distance": "-time_end 4",
    "ift-mmd": "-time_end 3",
    "old-faithful": "-time_end 3",
}

TRANSPORT = "-geometry_mmd 0 -geometry_spherical false"
VARIANTS = {  # name: (shipped case, overrides)
    "particles-ift-entropic": ("particles-ift", "-particles_weight_step entropic -time_end 2"),
    "particles-ift-fixed": ("particles-ift", "-particles_target_samples fixed -time_end 2"),
    "particles-ift-fresh": ("particles-ift", "-particles_target_samples fresh -time_end 2"),
    "particles-mmd-flow": (
        "paper-gaussian",
        f"-particles_method mmd_flow {TRANSPORT} -time_end 300",
    ),
    "particles-mmd-flow-noise": (
        "paper-gaussian",
        f"-particles_method mmd_flow_noise {TRANSPORT} -particles_noise 0.5"
        " -particles_noise_decay 0.5 -time_end 300",
    ),
    "particles-wfr-birth-death": (
        "particles-mixture-5d",
        "-particles_weight_step birth_death -time_end 5",
    ),
    "particles-fisher-rao-weights": (
        "particles-mixture-5d",
        "-particles_method fisher_rao_weights -geometry_wasserstein 0 -time_end 5",
    ),
    "particles-langevin": (
        "particles-svgd",
        "-particles_method langevin -geometry_stein 0 -geometry_wasserstein 1",
    ),
}


class Mistake(Exception):
    """Something that cannot go on: one sentence."""


# ---------------------------------------------------------------- the cases


def shipped_cases():
    """The cases of scripts/ and the variants of them, as (name, command, file, overrides)."""
    files = {os.path.basename(f)[:-5]: f for f in sorted(glob.glob(f"{ROOT}/scripts/*.yaml"))}
    chosen = {name: (name, SHORTENED.get(name, "")) for name in files}
    chosen.update(VARIANTS)
    cases = []
    for name, (base, overrides) in sorted(chosen.items()):
        with open(files[base], encoding="utf-8") as text:
            particles = any(line.startswith("particles:") for line in text)
        command = "particles" if particles else "run"
        cases.append((name, command, f"scripts/{base}.yaml", overrides.split()))
    return cases


def copy_shipped(inputs):
    """Copies what the shipped cases read; paths stay as they are written in the cases."""
    shutil.copytree(f"{ROOT}/meshes", f"{inputs}/meshes")
    os.mkdir(f"{inputs}/scripts")
    for kind in ("yaml", "csv"):
        for file in glob.glob(f"{ROOT}/scripts/*.{kind}"):
            shutil.copy(file, f"{inputs}/scripts")


def write_random(inputs, options):
    """Writes the texts of random cases; returns the cases."""
    command = [options.stress, "-print", "-count", str(options.count), "-seed", str(options.seed)]
    os.mkdir(f"{inputs}/random")
    with tempfile.TemporaryDirectory() as scratch:
        printed = subprocess.run(
            command + ["-directory", scratch], env=environment(), capture_output=True, text=True
        )
    if printed.returncode:
        raise Mistake(f"{options.stress}: exit status {printed.returncode}")
    cases = []
    for number, text in enumerate(printed.stdout.split("# random case ")[1:]):
        name = f"random-{number:03d}"
        with open(f"{inputs}/random/{name}.yaml", "w", encoding="utf-8") as out:
            out.write("# random case " + text)
        cases.append((name, "run", f"random/{name}.yaml", []))
    return cases


# ---------------------------------------------------------------- one run


def environment():
    return {**os.environ, **ENVIRONMENT}


def last_sentence(stderr, output):
    lines = [line for line in stderr.replace(output, "OUTPUT").splitlines() if line.strip()]
    return lines[-1] if lines else ""


def read_datasets(directory):
    """Every dataset of the results in the directory, by name."""
    arrays = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = np.asarray(item[()])

    for name in RESULTS:
        if os.path.exists(f"{directory}/{name}"):
            with h5py.File(f"{directory}/{name}", "r") as file:
                file.visititems(visit)
    return arrays


def digest(array):
    head = f"{array.dtype.str} {array.shape} ".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()


def start(line, inputs, scratch):
    """Runs a command line; returns its exit status, stderr and seconds of processor time."""
    with open(f"{scratch}/stderr", "w+b") as stderr:
        process = subprocess.Popen(
            line,
            cwd=inputs,
            env={**environment(), "TMPDIR": scratch},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        stderr.seek(0)
        text = stderr.read().decode(errors="replace")
    return process.returncode, text, usage.ru_utime + usage.ru_stime


def run(program, inputs, case, longest):
    """Runs a case in a directory of its own; returns what is kept of it, and its datasets."""
    name, command, file, overrides = case
    limited = [*LIMITED, str(longest), str(LONGEST_WAIT), program]
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory(prefix="golden-") as scratch:
            output = f"{scratch}/out"
            line = [*limited, command, file, *overrides, "-output_directory", output]
            status, stderr, seconds = start(line, inputs, scratch)
            arrays = read_datasets(output)
        if "before MPI_INIT completed" not in stderr:
            break
    if status in KILLED and seconds > 0.8 * longest:
        status, stderr, arrays = f"longer than {longest} s", "", {}
    kept = {"name": name, "command": command, "file": file, "overrides": overrides}
    kept.update(status=status, sentence=last_sentence(stderr, output), seconds=round(seconds, 2))
    kept["datasets"] = {key: digest(array) for key, array in sorted(arrays.items())}
    return kept, arrays


def run_all(program, inputs, cases, jobs, longest):
    """Runs the cases, `jobs` at a time; gives their results in order."""
    program = os.path.abspath(program)
    if not os.access(program, os.X_OK):
        raise Mistake(f"{program} is not a program")
    inputs = os.path.abspath(inputs)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda case: run(program, inputs, case, longest), cases)


# ---------------------------------------------------------------- record


def record(options):
    directory = options.directory
    if os.path.exists(directory) and os.listdir(directory):
        raise Mistake(f"{directory} is not empty")
    inputs = f"{directory}/inputs"
    os.makedirs(inputs)
    os.mkdir(f"{directory}/arrays")
    copy_shipped(inputs)
    cases = shipped_cases() + write_random(inputs, options)
    kept = []
    for one, arrays in run_all(options.program, inputs, cases, options.jobs, LONGEST["record"]):
        if isinstance(one["status"], str):
            print(f"{one['name']}: left out, {one['status']}", flush=True)
            continue
        np.savez_compressed(f"{directory}/arrays/{one['name']}.npz", **arrays)
        kept.append(one)
    with open(f"{directory}/cases.json", "w", encoding="utf-8") as out:
        json.dump(kept, out, indent=1)
    print(f"{len(kept)} cases recorded in {directory}; {count_statuses(kept)}")
    return 0


def count_statuses(kept):
    statuses = [one["status"] for one in kept]
    return ", ".join(f"{statuses.count(s)} of exit status {s}" for s in sorted(set(statuses)))


# ---------------------------------------------------------------- compare


def difference(old, new):
    """Largest difference over the largest modulus of `old`, and the first index that differs."""
    if old.shape != new.shape:
        return np.inf, f"shape {new.shape}, was {old.shape}"
    if old.dtype != new.dtype and (old.dtype.kind not in "fiub" or new.dtype.kind not in "fiub"):
        return np.inf, f"type {new.dtype}, was {old.dtype}"
    if old.dtype.kind not in "fiub":
        return (0, "") if np.array_equal(old, new) else (np.inf, "not numbers")
    old, new = np.atleast_1d(old.astype(float)), np.atleast_1d(new.astype(float))
    same = (old == new) | (np.isnan(old) & np.isnan(new))
    with np.errstate(invalid="ignore", over="ignore"):
        size = np.where(same, 0, np.abs(new - old))
    size[np.isnan(size)] = np.inf
    largest = np.max(np.abs(old[np.isfinite(old)]), initial=0)
    worst = size.max(initial=0)
    rows = np.flatnonzero(~same.reshape(len(same), -1).all(axis=1)) if same.size else []
    first = f"first at index {rows[0]} of {len(old)}" if len(rows) else "another type or sign of 0"
    return (worst / largest if largest > 0 else (np.inf if worst > 0 else 0.0)), first


def compare_datasets(old, new, arrays, stored):
    """The datasets that differ, worst first, as (relative difference, sentence)."""
    found = []
    for key in sorted(old["datasets"].keys() & new["datasets"].keys()):
        if old["datasets"][key] != new["datasets"][key]:
            relative, where = difference(stored[key], arrays[key])
            found.append((relative, f"{key}: {relative:.2g} {where}"))
    return sorted(found, key=lambda pair: -pair[0])


def one_sided(old, new):
    before, after = set(old["datasets"]), set(new["datasets"])
    gone, come = sorted(before - after), sorted(after - before)
    missing = ["missing: " + ", ".join(gone)] if gone else []
    return missing + (["new: " + ", ".join(come)] if come else [])


def judge(old, new, arrays, options):
    """The verdict on a case and the sentences about it."""
    lines, verdict = [], "equal"
    with np.load(f"{options.directory}/arrays/{old['name']}.npz") as stored:
        found = compare_datasets(old, new, arrays, stored)
    if found:
        verdict = "differs" if found[0][0] > options.relative else "within tolerance"
        shown = found if options.verbose else found[:1]
        lines += [sentence for _, sentence in shown]
        if len(found) > len(shown):
            lines.append(f"{len(found) - 1} more of {len(old['datasets'])} datasets differ")
    for key in ("status", "sentence"):
        if old[key] != new[key]:
            verdict = "differs"
            lines.append(f"{key}: {new[key]!r}, was {old[key]!r}")
    sides = one_sided(old, new)
    if sides and options.strict:
        verdict = "differs"
    return verdict, lines + sides


def read_golden(options):
    try:
        with open(f"{options.directory}/cases.json", encoding="utf-8") as file:
            kept = json.load(file)
    except OSError as error:
        raise Mistake(str(error)) from error
    kept = [one for one in kept if fnmatch.fnmatch(one["name"], options.only)]
    if not kept:
        raise Mistake(f"no case is named {options.only}")
    return kept


def compare(options):
    kept = read_golden(options)
    cases = [(one["name"], one["command"], one["file"], one["overrides"]) for one in kept]
    totals = {"equal": 0, "within tolerance": 0, "differs": 0}
    inputs = f"{options.directory}/inputs"
    results = run_all(options.program, inputs, cases, options.jobs, LONGEST["compare"])
    for old, (new, arrays) in zip(kept, results):
        verdict, lines = judge(old, new, arrays, options)
        totals[verdict] += 1
        if lines or options.verbose:
            print(f"{old['name']}: {'; '.join([verdict] + lines)}", flush=True)
    equal, within, differ = totals.values()
    print(f"{equal} equal, {within} within tolerance, {differ} differ")
    return 1 if differ else 0


# ---------------------------------------------------------------- the command line


def read_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    actions = parser.add_subparsers(dest="action", required=True)
    for name, action in (("record", record), ("compare", compare)):
        one = actions.add_parser(name)
        one.set_defaults(action=action)
        one.add_argument("program")
        one.add_argument("directory")
        one.add_argument("-j", dest="jobs", type=int, default=2, help="runs at a time")
    one.add_argument("--relative", type=float, default=0, help="tolerated difference of a dataset")
    one.add_argument("--only", default="*", help="name of a case, or a pattern such as random-*")
    one.add_argument("--strict", action="store_true", help="datasets on one side only count")
    one.add_argument("--verbose", action="store_true", help="every case and every dataset")
    one = actions.choices["record"]
    one.add_argument("--stress", default=f"{ROOT}/build/tests/stress", help="prints random cases")
    one.add_argument("--count", type=int, default=300, help="number of random cases")
    one.add_argument("--seed", type=int, default=7, help="of the random cases")
    return parser.parse_args()


def main():
    options = read_arguments()
    try:
        return options.action(options)
    except (Mistake, OSError) as error:
        print(f"golden: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
