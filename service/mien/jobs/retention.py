"""Removing what is not needed any more: results after their time, and what killed processes left."""

import time
from datetime import timedelta

from mien.jobs.media_store import MediaStore
from mien.jobs.model import job_prefix
from mien.jobs.records import JobRecords

UPLOADS = "uploads/"
_ORPHANED = timedelta(hours=1)
"""An object of no job may belong to one that is being submitted."""


def sweep(records: JobRecords, store: MediaStore, retention: timedelta) -> int:
    """Remove jobs that ended longer than ``retention`` ago, and objects of no job; returns how many jobs."""
    ended = records.ended_before(time.time() - retention.total_seconds())
    for job in ended:
        # The objects first: a job without objects is swept again, objects without a job are found below only.
        store.remove_all(job_prefix(job))
        records.forget(job)
    old_uploads = set(store.keys(UPLOADS, _ORPHANED))
    if old_uploads:
        store.remove(*(old_uploads - records.active_uploads()))
    old_jobs = {key.split("/")[1] for key in store.keys("jobs/", _ORPHANED)}
    if old_jobs:
        for job in old_jobs - records.ids():
            store.remove_all(job_prefix(job))
    store.remove_unfinished(_ORPHANED)
    return len(ended)
