"""What an operator or an energy promises, measured."""
from __future__ import annotations

import re
from typing import Any, Dict, List

from . import arrays, program

ROW = re.compile(r"^  (.{26}) (passed|FAILED|skipped) +(?:(\S+) +(\S+) {3})?(.*)$", re.M)


def check(kind: str, name: str, *, ranks: int = 1, load: program.Load = None) -> Any:
    """`mudot check`: a table with a row for each check of a "geometry" or an "energy", which is a name of the program or of
    an extension that `load` names. `outcome` is passed, FAILED or skipped.

    >>> found = check("energy", "kl")
    >>> {*found["outcome"]} <= {"passed", "skipped"}, bool(found["measured"][0] < 1e-6)
    (True, True)
    """
    _, out = program.call(["check", kind, name, *program.loads(load)], ranks, allowed=(0, 1))
    return arrays.table(list(map(row, ROW.findall(out))))


def row(found: List[str]) -> Dict[str, Any]:
    """
    >>> row(["mass  ", "passed", "1e-16", "1e-10", "its change"])
    {'check': 'mass', 'outcome': 'passed', 'measured': 1e-16, 'allowed': 1e-10, 'note': 'its change'}
    """
    what, outcome, measured, allowed, note = found
    return {"check": what.strip(), "outcome": outcome, "measured": float(measured or "nan"),
            "allowed": float(allowed or "nan"), "note": note.strip()}
