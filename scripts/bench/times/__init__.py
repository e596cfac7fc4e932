"""Breakdown of the time of an engine run: `make bench-time` writes the tables of docs/benchmarks.md."""
