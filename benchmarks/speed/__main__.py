"""The whole table: what the service costs beside the limit, idle, busy and overfull, and how it starts and grows.

    python -m benchmarks.speed [--rounds 5] [--seconds 3] [--old CHECKOUT] [--long]

``--old`` is a checkout to compare with, for instance ``git worktree add /tmp/old 5147197``: its service is started with
this environment's packages. Every figure is the median of ``--rounds`` interleaved rounds; compare ratios.
"""

from benchmarks.speed import batches, clips, parts, processes, requests
from benchmarks.speed.table import run

if __name__ == "__main__":
    run(__doc__, requests.rows, batches.rows, processes.rows, clips.rows, parts.rows)
