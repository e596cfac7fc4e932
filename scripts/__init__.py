"""Command-line tools around the program: checks, plan, report and watch for users; the lab and the benchmarks."""
