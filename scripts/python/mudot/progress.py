"""A progress bar in a terminal and in Jupyter."""
from __future__ import annotations

import sys
from typing import Any, Optional

WIDTH = 30


def in_jupyter() -> bool:
    return "ipykernel" in sys.modules


class Bar:
    """How far a run is; `shown` None: where there is a terminal or a notebook."""

    def __init__(self, shown: Optional[bool] = None) -> None:
        self.notebook: Any = None
        self.shown = (sys.stderr.isatty() or in_jupyter()) if shown is None else shown
        self.open = False

    def __call__(self, t: float, end: float, line: str) -> None:
        if not self.shown:
            return
        text = f"{bar(t / end if end > 0 else 0)} {line}"
        if in_jupyter():
            self.show(text)
            return
        sys.stderr.write(f"\r\033[K{text[:150]}")
        sys.stderr.flush()
        self.open = True

    def show(self, text: str) -> None:
        from IPython.display import display

        content = {"text/plain": text}
        if self.notebook is None:
            self.notebook = display(content, raw=True, display_id=True)
        else:
            self.notebook.update(content, raw=True)

    def close(self) -> None:
        if self.open:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
        self.open = False


def bar(part: float) -> str:
    """
    >>> bar(0.5)
    '[###############               ]'
    """
    full = round(WIDTH * min(max(part, 0.0), 1.0))
    return f"[{'#' * full}{' ' * (WIDTH - full)}]"
