"""Benchmarks: one script per topic, run as `python -m benchmarks.TOPIC`; peers run in the same process."""
