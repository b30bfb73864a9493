"""Measurements, beside a peer where one exists; `python -m benchmarks` runs them. Tests never assert time."""
