"""Fuzz targets: `python -m fuzz.NAME --seconds N`; a finding ends the run with the input that shows it."""
