"""Programs as people write them in PyTorch, run by Penlight and held against PyTorch.

Each is a function of the library that gives the numbers it arrived at. Names of its parameters are filled
with NumPy's numbers, so that both libraries start from the same state.
"""
