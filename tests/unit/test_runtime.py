"""int8 sums: the kernels are tested, and made exact only if they overflow."""

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from mien import runtime
from mien.errors import InvalidOption
from mien.providers import Execution, Provider
from mien.store import StoredModel

KEY = "session.x64quantprecision"


def test_the_probe_multiplies_matrices() -> None:
    session = ort.InferenceSession(runtime._PRODUCT, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 99, (3, 8), dtype=np.uint8), rng.integers(-9, 9, (8, 5), dtype=np.int8)
    (product,) = session.run(None, {"a": a, "b": b})
    assert product.tolist() == (a.astype(np.int32) @ b.astype(np.int32)).tolist()


def test_exact_sums_are_chosen_if_the_fast_ones_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "int8_sums_overflow", lambda: True)
    options = ort.SessionOptions()
    runtime.exact_sums(options)
    assert options.get_session_config_entry(KEY) == "1"


def test_fast_sums_are_kept_if_they_do_not_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "int8_sums_overflow", lambda: False)
    options = ort.SessionOptions()
    runtime.exact_sums(options)
    with pytest.raises(RuntimeError):
        options.get_session_config_entry(KEY)


def test_kernels_that_saturate_are_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    class Saturating:
        """What AVX2 without VNNI does: pairs of products in 16 bits."""

        def __init__(self, *_: object, **__: object) -> None: ...

        def run(self, _: object, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
            a, b = feeds["a"].astype(np.int32), feeds["b"].astype(np.int32)
            products = a[0, :, None] * b
            pairs = np.clip(products[0::2] + products[1::2], -32768, 32767)
            return [pairs.sum(axis=0, keepdims=True)]

    monkeypatch.setattr(ort, "InferenceSession", Saturating)
    assert runtime.int8_sums_overflow()


@pytest.fixture
def model(tmp_path: Path) -> StoredModel:
    (tmp_path / "model.onnx").write_bytes(runtime._PRODUCT)
    digest = hashlib.sha256(runtime._PRODUCT).hexdigest()
    return StoredModel("product", "1", tmp_path, {"file": "model.onnx", "sha256": digest})


class Opened:
    """Stands for ``onnxruntime.InferenceSession`` where the providers are not those of this machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, available: list[str], working: list[str]) -> None:
        self.providers: list[Any] = []
        self._working = working
        monkeypatch.setattr(ort, "get_available_providers", lambda: available)
        monkeypatch.setattr(ort, "InferenceSession", self._open)
        monkeypatch.setattr(runtime, "int8_sums_overflow", lambda: False)

    def _open(self, _graph: bytes, _options: ort.SessionOptions, providers: list[Any]) -> SimpleNamespace:
        self.providers = providers
        tensors = [SimpleNamespace(name="y")]
        return SimpleNamespace(
            get_providers=lambda: self._working, get_inputs=lambda: tensors, get_outputs=lambda: tensors
        )


def test_the_cpu_is_what_runs(model: StoredModel) -> None:
    assert runtime.Session(model, ["y"])._session.get_providers() == ["CPUExecutionProvider"]


@pytest.mark.parametrize(
    ("provider", "package"),
    [("cuda", "onnxruntime-gpu"), ("openvino", "onnxruntime-openvino"), ("coreml", "Macs")],
)
def test_a_provider_that_is_not_installed_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, model: StoredModel, provider: Provider, package: str
) -> None:
    Opened(monkeypatch, ["AzureExecutionProvider", "CPUExecutionProvider"], ["CPUExecutionProvider"])
    with pytest.raises(InvalidOption, match=package) as caught:
        runtime.Session(model, ["y"], Execution(provider))
    message = str(caught.value)
    assert message.startswith(f"The provider {provider} is not in the installed onnxruntime {ort.__version__}")
    assert "which has AzureExecutionProvider, CPUExecutionProvider;" in message
    assert "MIEN_PROVIDER=cpu" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("provider", "name", "options"),
    [
        ("cuda", "CUDAExecutionProvider", {}),
        ("openvino", "OpenVINOExecutionProvider", {"num_of_threads": "3", "num_streams": "3"}),
        ("coreml", "CoreMLExecutionProvider", {}),
    ],
)
def test_the_chosen_provider_comes_before_the_cpu(
    monkeypatch: pytest.MonkeyPatch, model: StoredModel, provider: Provider, name: str, options: dict[str, str]
) -> None:
    there = [name, "CPUExecutionProvider"]
    opened = Opened(monkeypatch, ["TensorrtExecutionProvider", *there], there)
    runtime.Session(model, ["y"], Execution(provider, callers=3))
    assert opened.providers == [(name, options), "CPUExecutionProvider"]


def test_a_provider_that_does_not_start_is_not_replaced_by_the_cpu(
    monkeypatch: pytest.MonkeyPatch, model: StoredModel
) -> None:
    # onnxruntime-gpu does so where the driver or a library is missing.
    Opened(monkeypatch, ["CUDAExecutionProvider", "CPUExecutionProvider"], ["CPUExecutionProvider"])
    with pytest.raises(
        InvalidOption, match=r"cannot use the provider cuda .* needs an NVIDIA GPU, its driver, CUDA 13"
    ):
        runtime.Session(model, ["y"], Execution("cuda"))
