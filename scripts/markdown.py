"""Parts of Markdown files that programs write, between two lines

    <!-- begin NAME: by COMMAND -->
    <!-- end NAME -->

and the tables in them. What the gallery shows. Used by scripts/make-manual, scripts/make-gallery,
scripts/study-table.py and scripts/bench-table.py.
"""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent

BEGIN = re.compile(r"^<!-- begin (.+): by (.+) -->$")


def table(header, rows):
    """Lines of a table; a bar within a cell is escaped."""
    rows = [[str(cell).replace("|", "\\|") for cell in row] for row in (header, *rows)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "|" + "---|" * len(header), *lines[1:]]


def cells(line):
    """The cells of a row of a table."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def parts(path):
    """{name: (command, lines)} of the marked parts of a file. A part that does not end is an error."""
    found, name = {}, None
    for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        begin = BEGIN.match(line)
        if begin and name is None:
            name, command, lines = *begin.groups(), []
        elif name is not None and line == f"<!-- end {name} -->":
            found[name] = command, lines
            name = None
        elif begin or line.startswith("<!-- end "):
            raise SystemExit(f"{path}, line {number}: {line} does not belong here")
        elif name is not None:
            lines.append(line)
    if name is not None:
        raise SystemExit(f"{path}: the part \"{name}\" has no end")
    return found


def replaced(text, name, lines):
    """The text with other lines in the part `name`; an empty line stands before and after them."""
    begin = re.search(rf"^<!-- begin {re.escape(name)}: by .+ -->\n", text, re.M)
    end = text.index(f"<!-- end {name} -->\n")
    return text[:begin.end()] + "\n" + "\n".join(lines) + "\n\n" + text[end:]


def write_part(path, name, lines):
    """Rewrites a part of a file; whether it has changed."""
    path = pathlib.Path(path)
    old = path.read_text()
    new = replaced(old, name, lines)
    if new != old:
        path.write_text(new)
    return new != old


class Entry:
    """A shipped case or study in the manual's gallery."""

    def __init__(self, path):
        self.name, self.file = path.stem, str(path.relative_to(ROOT))
        text = path.read_text()
        blocks = set(re.findall(r"^(\w+):", text, re.M))
        self.command = "study" if "study" in blocks else "particles" if "particles" in blocks else "run"
        self.kind = re.search(r"^study:\s*{type: (\w+)", text, re.M).group(1) if self.command == "study" else self.command
        self.place = ("studies/" if self.command == "study" else "") + self.name  # below out/gallery and the pictures
        self.picture = f"scripts/figures/gallery/{self.place}.png"
        self.sentence = first_sentence(text)


def first_sentence(text):
    """The first sentence of the comment that a case opens with, up to its first formula."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("# ") or line.startswith("#  "):
            break
        if line.startswith("# theorem: "):  # what make studies puts into its table
            continue
        lines.append(line[2:])
    words = " ".join(" ".join(lines).split())
    sentence, *rest = re.split(r"(?<!\bal)(?<!i\.i\.d)[.](?= |$)|[:,;]$", words)
    return (sentence if rest else re.split(r"[:;]", sentence)[0]) + "."


def gallery():
    """Every shipped case and study: cases, particles, then studies by type and name."""
    cases = [Entry(path) for path in sorted((ROOT / "scripts").glob("*.yaml"))]
    studies = [Entry(path) for path in sorted((ROOT / "scripts/studies").glob("*.yaml"))]
    return sorted(cases, key=lambda entry: entry.kind == "particles") + studies
