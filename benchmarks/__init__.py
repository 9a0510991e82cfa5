"""Speed and memory beside peers, in one run. Nothing here is a test: ratios are printed."""
