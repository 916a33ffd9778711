"""Benches: scripts that print ratios measured in one run. `python -m tests.bench` runs them all."""
