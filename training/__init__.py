"""How the two models are made: data -> train -> export -> quantise -> evaluate."""

import os

# See mien.runtime: the programs here may load onnxruntime before it does.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
