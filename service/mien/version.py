"""The running version."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("mien")
except PackageNotFoundError:  # run from a checkout that was never installed
    VERSION = "0+unknown"
