"""Short notebooks on the Python API, committed as they come out when they are executed."""
