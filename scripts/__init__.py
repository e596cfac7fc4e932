"""What is not part of the program itself: the lab, the benchmarks."""
