#!/usr/bin/python3
"""Does what the tutorial of the README says, and compares with what it shows.

Usage: tests/tutorial.py BUILD README.md

The section "From an empty file to a verdict in five minutes" has four kinds of blocks: ```yaml is saved under
the name that the text before it gives last in backquotes, ```sh is run line by line (a comment "exit status N"
says how a line ends, else 0), ```python is run, and every line of ```text must be among what the block
before it printed; numbers agree within 2 % or are both rounding, below 1e-12.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SECTION = "## From an empty file to a verdict in five minutes"
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+\.?\d*(?:e[-+]?\d+)?(?!\w)")


def blocks(text):
    """(language, file name, lines) of every block of the section."""
    begin = text.find(SECTION + "\n")
    if begin < 0:
        sys.exit(f"tests/tutorial.py: there is no section \"{SECTION}\"")
    section = text[begin + len(SECTION):].split("\n## ")[0]
    name = None
    parts = re.split(r"^```(\w*)\n(.*?)^```$", section, flags=re.M | re.S)
    for prose, language, body in zip(parts[0::3], parts[1::3], parts[2::3]):
        names = re.findall(r"`([\w-]+\.yaml)`", prose)
        name = names[-1] if names else name
        yield language, name, body.splitlines()


def same(shown, printed):
    if NUMBER.sub("#", " ".join(shown.split())) != NUMBER.sub("#", " ".join(printed.split())):
        return False
    pairs = zip(map(float, NUMBER.findall(shown)), map(float, NUMBER.findall(printed)))
    return all(abs(a - b) <= 0.02 * abs(b) or max(abs(a), abs(b)) < 1e-12 for a, b in pairs)


def run(command, status):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != status:
        sys.exit(f"FAILED  {command[-1]}: exit status {done.returncode}, not {status}\n{done.stdout}")
    return done.stdout.splitlines()


def main():
    build, readme = map(os.path.abspath, sys.argv[1:3])
    root = pathlib.Path(__file__).resolve().parent.parent
    printed, runs, lines = [], 0, 0
    text = pathlib.Path(readme).read_text()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.symlink(build, "build")
        for name in "scripts", "meshes":
            os.symlink(root / name, name)
        for language, name, body in blocks(text):
            if language == "yaml":
                pathlib.Path(name).write_text("\n".join(body) + "\n")
            elif language == "sh":
                printed = []
                for line in body:
                    status = re.search(r"# exit status (\d)", line)
                    printed += run(["sh", "-c", line], int(status.group(1)) if status else 0)
                    runs += 1
            elif language == "python":
                printed = run([sys.executable, "-c", "\n".join(body)], 0)
                runs += 1
            else:
                for shown in body:
                    if not any(same(shown, line) for line in printed):
                        sys.exit(f"FAILED  \"{shown}\" is not among\n" + "\n".join(printed))
                    lines += 1
        os.chdir("/")
    if runs < 5 or lines < 5:
        sys.exit(f"FAILED  only {runs} commands and {lines} lines of output were found")
    print(f"ok      tutorial: {runs} commands, {lines} lines of output as shown")


if len(sys.argv) != 3:
    sys.exit("usage: tests/tutorial.py BUILD README.md")
main()
