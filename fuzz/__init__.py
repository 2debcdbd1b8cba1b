"""Fuzz targets: `python -m fuzz.NAME --seconds N`. A find is printed, kept under `fuzz/finds/`, and ends the run."""
