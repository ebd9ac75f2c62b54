#!/usr/bin/python3
"""Nobody compares names: what is asked of an operator, an energy, a kernel, a scheme or a method is asked of its descriptor.

Usage: tests/check_names.py [--all] BUILD/mudot

Looks in the .c, .h and .js files of src/ for string constants that are a name of `mudot list --json`, and fails if there are
more than BOUND outside the file of the descriptor that bears the name, the row of its table, and ALIASES. --all prints them.
"""
import collections
import json
import pathlib
import re
import subprocess
import sys

BOUND = 0  # such places that are allowed
SRC = pathlib.Path(__file__).resolve().parent.parent / "src"
KINDS = {"geometries": "MuGeometryGetTableRow", "energies": "MuEnergyGetTableRow", "kernels": "MuKernelGetTableRow",
         "schemes": "MuSchemeGetTableRow", "diagnostics": "MuDiagnosticGetTableRow", "methods": "MuMethodGetTableRow",
         "exact_solutions": "MuSolutionGetTableRow"}
# A word that is a name of a table and means something else there: (word, files by regular expression, reason). At most ten.
ALIASES = [
    ("auto", ".*", "the value of several keys that lets the program choose"),
    ("log_density", "(case|measure|problem)/.*", "the key of a density, beside the scheme"),
    ("gaussian", "(measure|problem)/.*", "the type of a density, beside the kernel"),
    ("potential", "energy/energy.c", "the name of an operation of the descriptor, in a sentence about what it lacks"),
    ("w2", "study/(gamma_compare|distance).c", "the diagnostic that is a column of the study, a distance of studies"),
    ("w2", "particles/compare_metrics.c", "a metric of clouds, beside the diagnostic"),
    ("l1", "(run/refinement|particles/compare_run|study/(order|distance)).c", "a norm of errors, beside the diagnostic"),
    ("hellinger", "(run/refinement|study/distance).c", "a norm of errors, beside the energy"),
    ("mmd", "(particles/ift|study/distance).c", "a distance of studies, a word of particles_weight_step, beside the energy and the geometry"),
]
TOKEN = re.compile(r"""(/\*.*?\*/|//[^\n]*)|"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`""", re.S)


def names(mudot):
    """Name -> the functions that give the rows of the tables it stands in."""
    lists = json.loads(subprocess.run([mudot, "list", "--json"], check=True, capture_output=True, text=True).stdout)
    tables = collections.defaultdict(set)
    for kind, function in KINDS.items():
        for row in lists[kind]:
            tables[row["name"]].add(function)
    return tables


def strings(text):
    """(offset, constant) of every string outside comments."""
    for match in TOKEN.finditer(text):
        if match.group(1) is None:
            yield match.start(), next(group for group in match.groups()[1:] if group is not None)


def is_own(word, text, offset, tables):
    begin = text.rfind("\n", 0, offset) + 1
    row = re.fullmatch(r'\s*(?:static .*=\s*)?\{+"', text[begin:offset + 1])
    holds_table = any(re.search(rf"^PetscErrorCode {function}\(", text, re.M) for function in tables)
    return re.search(rf'\.name = "{word}"', text) or row and holds_table


def places(tables):
    for path in sorted(SRC.rglob("*")):
        if path.suffix not in (".c", ".h", ".js"):
            continue
        name, text = str(path.relative_to(SRC)), path.read_text()
        for offset, word in strings(text):
            if word not in tables or is_own(word, text, offset, tables[word]):
                continue
            if not any(word == alias and re.fullmatch(files, name) for alias, files, _ in ALIASES):
                yield name, text.count("\n", 0, offset) + 1, word


def main():
    arguments = [word for word in sys.argv[1:] if word != "--all"]
    if len(arguments) != 1:
        sys.exit("usage: tests/check_names.py [--all] BUILD/mudot")
    assert len(ALIASES) <= 10
    tables = names(arguments[0])
    if sum(map(len, tables.values())) < 50:
        sys.exit(f"tests/check_names.py: only {len(tables)} names are listed")
    found = list(places(tables))
    if "--all" in sys.argv or len(found) > BOUND:
        for name, line, word in found:
            print(f"        | src/{name}:{line}: \"{word}\"")
    if len(found) < BOUND:
        print(f"        | lower BOUND in tests/check_names.py to {len(found)}")
    print(f"{'FAILED ' if len(found) > BOUND else 'ok     '} names outside their descriptors: {len(found)} (bound {BOUND})")
    return int(len(found) > BOUND)


if __name__ == "__main__":
    sys.exit(main())
