"""What both trainings share: schedules, weight averaging, checkpoints, run logs."""
