"""The names of DBOS's queues of jobs."""

CLIP_QUEUE = "mien-clips"
SEGMENT_QUEUE = "mien-segments"
WEBHOOK_QUEUE = "mien-webhooks"
