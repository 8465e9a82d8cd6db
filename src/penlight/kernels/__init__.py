"""Pure array functions: ndarrays in, ndarrays out, no graph."""
