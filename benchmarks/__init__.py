"""Measurements, side by side with a peer where one exists. `python -m benchmarks` runs them; tests never assert time."""
