"""Programs that measure what the search finds: one for each row of the table in docs/benchmarks.md.

All of them make their pictures from the held-out photographs of ../shared/data, or from scikit-image's astronaut if
those are not here, and take ``--store``, ``--data`` and ``--detectors``. The peer, YuNet-n, stands beside ours if its
file is in ../shared/teacher.
"""
