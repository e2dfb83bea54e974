"""Programs that measure what the search finds, and ``python -m benchmarks.search``, which runs them all.

They make their pictures from the held-out photographs of ../shared/data, or from scikit-image's astronaut if those are
not here, and take ``--store``, ``--shared`` and ``--full``. What cannot be measured without ../shared is a row that
says so. The peer, YuNet-n, stands beside ours if its file is in ../shared/teacher.
"""
