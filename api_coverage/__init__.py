"""How much of PyTorch is here: ``python -m api_coverage`` compares the public names and writes docs/coverage.md."""
