"""The whole table: what the search finds, how fast, and what is asked of it, beside YuNet-n.

    python -m benchmarks.search [--store DIRECTORY] [--full] [--old CHECKOUT]

A new model is judged by one run with ``--store``. Without ``--full`` a fifth of the pictures is measured.
"""

from benchmarks.search import (
    calls,
    clips,
    cost,
    face_free,
    monotony,
    pass_time,
    posters,
    precision,
    small_faces,
    turned,
)
from benchmarks.search.table import run

if __name__ == "__main__":
    run(
        __doc__,
        calls.rows,
        small_faces.rows,
        posters.rows,
        monotony.rows,
        turned.rows,
        precision.rows,
        face_free.rows,
        pass_time.rows,
        cost.rows,
        clips.rows,
    )
