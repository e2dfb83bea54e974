"""Programs that measure speed and memory; the results are in docs/."""

import os

# As in mien.runtime, before which these programs may import onnxruntime.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
