"""Jobs, measured. ``python -m benchmarks.jobs --help`` lists what there is."""
