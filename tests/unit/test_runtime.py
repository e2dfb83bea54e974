"""int8 sums: the kernels are tested, and made exact only if they overflow."""

import numpy as np
import onnxruntime as ort
import pytest

from mien import runtime

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
