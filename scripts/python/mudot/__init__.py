"""Gradient flows of measures on grids: the program mudot from Python.

    import mudot
    case = mudot.Case("first.yaml", time={"end": 1})
    run = mudot.run(case)
    run.density.sel(time=0.5, method="nearest").plot()
    mudot.compare(run, run.sample(1000, time=0.5), time=0.5)

The work is done by the program, in processes of their own, and its results are files: nothing here can bring an
interpreter down. NumPy and h5py are needed; xarray, pandas and matplotlib are used where they are there.
"""
from .case import Case
from .comparison import compare
from .conformance import check
from .errors import CaseError, FileError, Interrupted, MissingError, MudotError, NumericsError
from .runs import Run, particles, run
from .studies import Study, study
from .sweeps import sweep

__version__ = "0.2.0"
__all__ = ["Case", "CaseError", "FileError", "Interrupted", "MissingError", "MudotError", "NumericsError", "Run", "Study",
           "check", "compare", "particles", "run", "study", "sweep"]
