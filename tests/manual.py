#!/usr/bin/python3
"""Checks README.md and the manual: what is generated is up to date, what is typed runs and prints what is shown,
what is linked is there.

Usage: tests/manual.py BUILD [--list] [DOCUMENT ...]        (MPIEXEC, PYTHON as in the Makefile)

Fenced blocks are of four kinds: ```yaml is saved under the name that the text before it gives last in backquotes; ```sh
is run line by line (a comment "exit status N" says how a line ends, else 0); ```python is run; every line of ```text must
be among what the block before it printed, where numbers agree within 2 % or are both rounding, below 1e-12, and " ..."
stands for the rest of a line. The lines of
```c stand in scripts/examples/heat.c. A block without a word is not checked: formulas and patterns of commands.
Every document is worked through in an empty folder of its own, in which build, scripts and meshes are.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True
import markdown  # noqa: E402

# Lines that would take too long or need what is not here: (line, what is run instead, None: nothing; why). Every row must
# be of use. What a shortened line prints is not compared.
INSTEAD = [
    (r"^make ([\w-]+).*$", r"grep -q '^\1:' Makefile", "targets are looked up: their work is that of other checks"),
    (r"^man (mudot-[\w-]+)$", r"grep -q '^[.]TH' build/man/\1.7", "the page need not be installed"),
    (r"^(cc heat.c .*|.*[.]/heat)$", None, "tests/install.sh compiles and runs it against an installed copy"),
    (r"^scripts/run-paper$", None, "ten minutes; the cases run alone in the chapter"),
    (r"^(.*mudot run scripts/two-rooms\.yaml.*)$", r"\1 -time_end 0.05", "half a minute"),
    (r"^(mudot particles scripts/\S+)(.*)$", r"\1\2 -time_end 0.2 -output_every 0.1 -particles_count 50",
     "some seconds each"),
]

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+\.?\d*(?:e[-+]?\d+)?(?!\w)")
TAG = re.compile(r"</?[a-zA-Z][\w-]*(\s+[a-zA-Z_:][\w-]*(=\S+)?)*\s*/?>")
LINK = re.compile(r"!?\[([^][]*)\]\(([^()\s]*)\)")
LONGEST = 120  # characters of a line, tables and links apart
README_LINES = 220


class Wrong(Exception):
    """What a check has found; one line or more."""


# ------------------------------------------------------------------ reading


def blocks(text):
    """(language, prose before it, lines) of every fenced block."""
    parts = re.split(r"^```(\w*)\n(.*?)^```$", text, flags=re.M | re.S)
    for prose, language, body in zip(parts[0::3], parts[1::3], parts[2::3]):
        yield language, prose, body.splitlines()


def without_blocks(text):
    """The lines of the text with those in fences emptied."""
    fenced, lines = False, []
    for line in text.splitlines():
        fence = line.startswith("```")
        lines.append("" if fenced or fence else line)
        fenced ^= fence
    if fenced:
        raise Wrong("a fence is not closed")
    return lines


def prose(text):
    """The text without fenced blocks, comments and `code`."""
    return re.sub(r"`[^`]*`", "``", "\n".join(line for line in without_blocks(text) if not line.startswith("<!--")))


def slugs(path):
    """The anchors that a web view makes of headings."""
    found = set()
    for line in without_blocks(path.read_text()):
        heading = re.match(r"#+ (.*)", line)
        if heading:
            found.add(re.sub(r"[^\w\- ]", "", heading.group(1).lower()).replace(" ", "-"))
    return found


# ------------------------------------------------------------------ what is written


def check_shape(path):
    """The part of Markdown that scripts/typeset knows; tables that are tables."""
    text, wrong = path.read_text(), []
    lines = without_blocks(text)
    for number, line in enumerate(lines, 1):
        if not line.isascii():
            wrong.append(f"line {number}: characters other than ASCII")
        if len(line) > LONGEST and not line.startswith(("|", "![")):
            wrong.append(f"line {number}: {len(line)} characters")
        if line.startswith("|") and not (number > 1 and lines[number - 2].startswith("|")):
            wrong += check_table(lines, number)
    bare = prose(text)
    wrong += [f"a tag of HTML: {tag.group(0)}" for tag in TAG.finditer(bare)]
    wrong += [f"a star that the web view takes for emphasis: {star.group(0)}" for star in re.finditer(r"\w\*\w+", bare)]
    level = 0
    for line in lines:
        heading = re.match(r"(#+) ", line)
        if heading and len(heading.group(1)) > level + 1:
            wrong.append(f"a level is left out before: {line}")
        level = len(heading.group(1)) if heading else level
    return wrong


def check_table(lines, first):
    rows = []
    for line in lines[first - 1:]:
        if not line.startswith("|"):
            break
        rows.append(line)
    if first > 1 and lines[first - 2]:
        return [f"line {first}: a table begins without an empty line before it"]
    if len(rows) < 3 or not re.fullmatch(r"\|(:?-+:?\|)+", rows[1]):
        return [f"line {first}: a table without a heading: {rows[0]}"]
    return [f"line {first + k}: {len(markdown.cells(row))} cells, not {len(markdown.cells(rows[0]))}"
            for k, row in enumerate(rows) if len(markdown.cells(row)) != len(markdown.cells(rows[0]))]


def check_pictures():
    """The gallery's pictures: one for every case and study, none besides, none above 25 kB."""
    there = {str(path.relative_to(ROOT)): path.stat().st_size for path in (ROOT / "scripts/figures/gallery").rglob("*.png")}
    shown = {entry.picture for entry in markdown.gallery()}
    return [f"{name}: not both shipped and drawn; see scripts/make-gallery" for name in sorted(shown ^ set(there))] + [
        f"{name}: {size} bytes" for name, size in there.items() if size > 25000]


def check_links(path):
    wrong = []
    for label, target in LINK.findall(re.sub(r"`[^`]*`", "x", "\n".join(without_blocks(path.read_text())))):
        if re.match(r"https?:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists():
            wrong.append(f"[{label}]({target}): there is no such file")
        elif anchor and anchor not in slugs(there):
            wrong.append(f"[{label}]({target}): there is no such heading")
    return wrong


def check_names(path, lists):
    """Names in backquotes: files, targets of make, commands, keys."""
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    commands = {row["name"] for row in lists["commands"]}
    names = {row["name"] for rows in lists.values() if isinstance(rows, list) for row in rows}
    blocks_ = {row["block"] for row in lists["keys"]}
    wrong = []
    for code in re.findall(r"`([^`]+)`", "\n".join(without_blocks(path.read_text()))):
        file = re.fullmatch(r"(?:scripts|tests|src|meshes|\.github)/[a-z0-9_./-]+", code)
        make = re.match(r"make ([\w-]+)", code)
        command = re.match(r"(?:build/)?mudot ([a-z]+)", code)
        key = re.fullmatch(r"-?((?:grid|target|initial|time|output|study|particles)_[a-z_]+)", code)
        if file and not (ROOT / code).exists() or make and make.group(1) not in targets or \
           command and command.group(1) not in commands or \
           key and key.group(1) not in blocks_ and not any(("_" + name).endswith("_" + key.group(1)) for name in names):
            wrong.append(f"`{code}` does not exist")
    return wrong


def check_studies(path, lists):
    """The table that make studies writes has every shipped study, with the verdict that it expects."""
    shown = {re.findall(r"`([^`]+)`", row[0])[-1]: row[3]
             for row in map(markdown.cells, markdown.parts(path)["studies"][1][3:-1])}
    wrong = []
    for study in sorted((ROOT / "scripts/studies").glob("*.yaml")):
        if not study.read_text().startswith("# theorem: "):
            wrong.append(f"{study.name} does not begin with \"# theorem: ...\"")
        expected = re.search(r"expect: (\w+)", study.read_text())
        verdict = expected.group(1) if expected else "holds"
        if shown.pop(study.stem, verdict + "?") != verdict:
            wrong.append(f"{study.stem} is not in the table as \"{verdict}\": run make studies")
    return wrong + [f"{name}: there is no such study" for name in shown]


def check_blank_cells(path, lists):
    """Columns that people fill in, in tables that make manual writes."""
    return [f"the last cell is empty: {line}" for command, lines in markdown.parts(path).values() for line in lines
            if command == "make manual" and line.startswith("|") and not markdown.cells(line)[-1]]


def check_typeset(path, lists, build):
    """The chapter in the program and its manual page."""
    name, wrong = path.stem, []
    said = output([build / "mudot", "help", name])
    if said != output([ROOT / "scripts/typeset", "text", path]):
        wrong.append(f"mudot help {name} prints something else; run make")
    wrong += [f"mudot help {name}: {len(line)} characters: {line}" for line in said.splitlines()
              if len(line) > (100 if line.startswith("    ") else 84)]
    wrong += [f"mudot help {name}: Markdown is left: {line}" for line in said.splitlines()
              if re.search(r"^\||\]\(|<!--|^#", line)]
    if not re.fullmatch(r"# [A-Z][^:]*: \S.*", path.read_text().splitlines()[0]):
        wrong.append("the first line is not \"# Title: summary\"")
    if subprocess.run(["sh", "-c", "command -v groff"], stdout=subprocess.DEVNULL).returncode == 0:
        told = subprocess.run(["groff", "-ww", "-man", "-Tascii", "-z", build / f"man/mudot-{name}.7"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        wrong += [f"groff: {line}" for line in told.splitlines()]
    return wrong


# ------------------------------------------------------------------ what is typed


def same(shown, printed):
    if shown.endswith(" ..."):
        shown = shown[:-4]
        printed = printed[:len(shown)]
    if NUMBER.sub("#", " ".join(shown.split())) != NUMBER.sub("#", " ".join(printed.split())):
        return False
    pairs = zip(map(float, NUMBER.findall(shown)), map(float, NUMBER.findall(printed)))
    return all(abs(a - b) <= 0.02 * abs(b) or max(abs(a), abs(b)) < 1e-12 for a, b in pairs)


def output(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def commands(body):
    """The lines of a block, those that end in a backslash joined with the next."""
    return [line for line in re.sub(r"\\\n\s*", "", "\n".join(body)).splitlines() if line and not line.startswith("#")]


def replacement(line):
    """(what is run, the row of INSTEAD or None)."""
    for k, (pattern, instead, _) in enumerate(INSTEAD):
        if re.match(pattern, line):
            return (None if instead is None else re.sub(pattern, instead, line)), k
    return line, None


class Reader:
    """Somebody who does what a document says."""

    def __init__(self, path, build):
        self.path, self.build = path, build
        self.runs = self.compared = 0
        self.used, self.printed, self.shortened = set(), [], False

    def run(self, command, folder, status):
        with tempfile.TemporaryDirectory(prefix="mu-") as own:  # mpiexec makes and removes a folder there
            environment = dict(os.environ, PATH=f"{self.build}:{os.environ['PATH']}", MPLBACKEND="Agg", TMPDIR=own,
                               PYTHONPATH=str(ROOT / "scripts" / "python"), PYTHONDONTWRITEBYTECODE="1")
            done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  env=environment, timeout=300)
        if done.returncode != status:
            raise Wrong(f"{command[-1]}\nexit status {done.returncode}, not {status}\n{done.stdout}")
        self.runs += 1
        return done.stdout.splitlines()

    def sh(self, body, folder):
        self.printed, self.shortened = [], False
        for line in commands(body):
            line, _, comment = (part.strip() for part in line.partition("  #"))
            status = re.search(r"exit status (\d)", comment)
            instead, row = replacement(line)
            if row is not None:
                self.used.add(row)
                self.shortened = True
            if instead is not None:
                self.printed += self.run(["sh", "-c", instead], folder, int(status.group(1)) if status else 0)

    def text(self, body):
        if self.shortened:
            raise Wrong(f"\"{body[0]}\" is shown for a line that the check shortens")
        for shown in body:
            if shown.strip() and not any(same(shown, line) for line in self.printed):
                raise Wrong(f"\"{shown}\" is not among\n" + "\n".join(self.printed))
            self.compared += 1

    def c(self, body):
        example = {line.strip() for line in (ROOT / "scripts/examples/heat.c").read_text().splitlines()}
        for line in body:
            if line.strip() not in example | {"..."}:
                raise Wrong(f"scripts/examples/heat.c does not have the line \"{line}\"")

    def block(self, language, before, body, folder):
        if language == "yaml":
            names = re.findall(r"`([\w-]+\.yaml)`", before)
            if not names:
                raise Wrong(f"no name stands before the file that begins with {body[0]}")
            (folder / names[-1]).write_text("\n".join(body) + "\n")
        elif language == "python":
            self.printed, self.shortened = self.run([sys.executable, "-c", "\n".join(body)], folder, 0), False
        elif language in ("sh", "c", "text"):
            getattr(self, language)(*((body, folder) if language == "sh" else (body,)))
        elif language:
            raise Wrong(f"a block of \"{language}\"")

    def read(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "build").symlink_to(self.build)
            for there in ("scripts", "meshes", "Makefile"):
                (folder / there).symlink_to(ROOT / there)
            for language, before, body in blocks(self.path.read_text()):
                self.block(language, before, body, folder)


# ------------------------------------------------------------------ all of it


def check(path, build, lists):
    """(lines of faults, the reader) of one document."""
    chapter = path.parent.name == "manual"
    reader = Reader(path, build)
    wrong = check_shape(path) + check_links(path)
    if path.name == "CHANGES.md":
        return wrong, reader
    wrong += check_names(path, lists) + check_blank_cells(path, lists)
    if chapter:
        wrong += check_typeset(path, lists, build)
    elif len(path.read_text().splitlines()) > README_LINES:
        wrong.append(f"more than {README_LINES} lines")
    if path.name == "studies.md":
        wrong += check_studies(path, lists)
    try:
        reader.read()
    except (Wrong, subprocess.TimeoutExpired) as fault:
        wrong.append(str(fault))
    return wrong, reader


def main():
    arguments = [word for word in sys.argv[1:] if word != "--list"]
    if not arguments:
        sys.exit("usage: tests/manual.py BUILD [--list] [DOCUMENT ...]")
    if "--list" in sys.argv:
        for pattern, instead, why in INSTEAD:
            print(f"{pattern}\n    {'is not run' if instead is None else 'is run as ' + instead}: {why}")
    build = pathlib.Path(arguments[0]).resolve()
    import json
    lists = json.loads(output([build / "mudot", "list", "--json"]))
    chapters = [row["name"] for row in lists["chapters"]]
    documents = [ROOT / "README.md", *(ROOT / f"src/manual/{name}.md" for name in chapters), ROOT / ".github/CHANGES.md"]
    passed = failed = 0
    stale = subprocess.run([sys.executable, ROOT / "scripts/make-manual", build / "mudot", "--check"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    forgotten = {path.stem for path in (ROOT / "src/manual").glob("*.md")} ^ set(chapters)
    results = [("generated parts", stale.stdout.splitlines() or ["failed"] if stale.returncode else [], ""),
               ("chapters", [f"{name}: not both in src/manual/ and in CHAPTERS" for name in sorted(forgotten)], ""), ("gallery", check_pictures(), "")]
    chosen = [path for path in documents if not arguments[1:] or str(path.relative_to(ROOT)) in arguments[1:]]
    used = set()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path, (wrong, reader) in zip(chosen, pool.map(lambda path: check(path, build, lists), chosen)):
            used |= reader.used
            results.append((str(path.relative_to(ROOT)), wrong,
                            f": {reader.runs} commands, {reader.compared} lines of output as shown"))
    if chosen == documents:
        results.append(("shortened lines", [f"nothing is like {INSTEAD[k][0]}" for k in range(len(INSTEAD)) if k not in used], ""))
    for name, wrong, told in results:
        passed, failed = passed + (not wrong), failed + bool(wrong)
        print(f"FAILED  {name}\n        | " + "\n        | ".join("\n".join(wrong).splitlines()) if wrong else
              f"ok      {name}{told}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
