"""The same programs under PyTorch and Penlight, timed in turn: ``python -m benchmarks``."""
