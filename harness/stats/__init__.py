"""Statistics: arrays in, small values out; formula and source in every docstring."""
