"""Everything is real but the engine of the API's unit tests: see tests.fakes."""

import os

# See mien.runtime: the programs here may load onnxruntime before it does.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
