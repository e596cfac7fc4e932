"""The seconds of a run of the engine, by what they go to: `make bench-time` writes the tables of docs/benchmarks.md."""
