#!/usr/bin/python3
"""The order of src/: no folder uses one above it, no circle of files, short files, short functions.

Usage: tests/check_layers.py [--all] [BUILD]

Reads the #include lines, and with BUILD also the symbols of its objects: what a file calls through a public header is
seen there only. Prints every breach (--all) or those of a kind that has more than its bound. A bound is what is still
to be mended: it may only fall, and a smaller number than the bound asks for the bound to be lowered.
"""
import collections
import pathlib
import re
import subprocess
import sys

SRC = pathlib.Path(__file__).resolve().parent.parent / "src"
# A folder uses what is on lower floors; neighbours on one floor do not use each other in a circle.
FLOORS = {"base": 2, "manual": 11, "case": 3, "grid": 3, "output": 4, "measure": 4, "kernel": 4, "linear": 4, "energy": 5,
          "geometry": 5, "record": 5, "facts": 6, "flow": 7, "problem": 8, "particles": 9, "report": 9, "run": 10,
          "study": 10, "check": 10, "command": 11}
MOST_LINES, MOST_FUNCTION_LINES = 500, 60
BOUNDS = {"include that goes up": 0, "call that goes up": 0, "headers in circles": 0, "files in circles": 0,
          "folders in circles": 0, "file above 500 lines": 0, "function above 60 lines": 0}
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
FUNCTION = re.compile(r"^(?:[A-Za-z_][^;={}]*?)\b(\w+)\([^;{}]*\) \{$", re.M)


def folder(name):
    """flow/step.c -> flow; public headers belong to no folder."""
    top = name.split("/")[0]
    return top if top in FLOORS else None


def files():
    return {str(path.relative_to(SRC)): path.read_text() for path in sorted(SRC.rglob("*.[ch]"))}


def includes(texts):
    return {name: {found for found in INCLUDE.findall(text) if found in texts} for name, text in texts.items()}


def calls(build):
    """File -> {file whose symbols it uses}, from the objects."""
    defined, wanted = {}, collections.defaultdict(set)
    objects = pathlib.Path(build) / "obj"
    there = {str(obj): str(obj.relative_to(objects).with_suffix(".c")) for obj in sorted(objects.rglob("*.o"))}
    there = {obj: name for obj, name in there.items() if (SRC / name).exists()}
    for line in subprocess.run(["nm", "-A", *there], check=True, capture_output=True, text=True).stdout.splitlines():
        obj, _, rest = line.partition(":")
        *_, kind, symbol = rest.split()
        if kind == "U":
            wanted[there[obj]].add(symbol)
        elif kind in "TDBRCV":
            defined[symbol] = there[obj]
    return {name: {defined[s] for s in symbols if s in defined} - {name} for name, symbols in wanted.items()}


def circles(graph):
    """The strongly connected sets of more than one node (Tarjan)."""
    index, low, stack, on, found = {}, {}, [], set(), []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on.add(node)
        for after in graph.get(node, ()):
            if after not in index:
                visit(after)
                low[node] = min(low[node], low[after])
            elif after in on:
                low[node] = min(low[node], index[after])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            on.difference_update(stack[at:])
            del stack[at:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def in_circles(graph):
    return [f"{name} in {' - '.join(circle)}" for circle in circles(graph) for name in circle]


def upwards(graph):
    for name, used in sorted(graph.items()):
        for other in sorted(used):
            if folder(name) and folder(other) and FLOORS[folder(other)] > FLOORS[folder(name)]:
                yield f"{name} -> {other}"


def by_folder(graph):
    folders = collections.defaultdict(set)
    for name, used in graph.items():
        folders[folder(name)] |= {folder(other) for other in used} - {folder(name), None}
    folders.pop(None, None)
    return folders


def long_functions(texts):
    for name, text in texts.items():
        for match in FUNCTION.finditer(text):
            begin = match.start()
            lines = text.count("\n", begin, text.index("\n}", begin)) + 2
            if lines > MOST_FUNCTION_LINES:
                yield f"{name}: {match.group(1)} has {lines} lines"


def breaches(build):
    sys.setrecursionlimit(10000)
    texts = files()
    lines = includes(texts)
    unknown = sorted({name.split("/")[0] for name in texts if "/" in name} - set(FLOORS) - {"mudot"})
    if unknown:
        sys.exit(f"tests/check_layers.py: no floor is known for {', '.join(unknown)}")
    yield "include that goes up", list(upwards(lines))
    yield "headers in circles", in_circles(lines)
    yield "file above 500 lines", [f"{name} has {count} lines" for name, text in texts.items()
                                   for count in [text.count("\n")] if count > MOST_LINES]
    yield "function above 60 lines", list(long_functions(texts))
    if build:
        graph = calls(build)
        yield "call that goes up", list(upwards(graph))
        yield "files in circles", in_circles(graph)
        yield "folders in circles", in_circles(by_folder(graph))


def main():
    show_all = "--all" in sys.argv[1:]
    build = ([word for word in sys.argv[1:] if not word.startswith("-")] + [None])[0]
    failed = 0
    for kind, found in breaches(build):
        bound = BOUNDS[kind]
        if show_all or len(found) > bound:
            print("".join(f"        | {line}\n" for line in found), end="")
        if len(found) < bound:
            print(f"        | lower the bound of \"{kind}\" in tests/check_layers.py to {len(found)}")
        failed += len(found) > bound
        print(f"{'FAILED ' if len(found) > bound else 'ok     '} {kind}: {len(found)} (bound {bound})")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
