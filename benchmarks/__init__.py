"""What was measured, and with what command."""

import os

# See mien.runtime: the programs here may load onnxruntime before it does.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
