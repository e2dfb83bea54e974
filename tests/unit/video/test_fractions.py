"""Fractions in messages."""

from fractions import Fraction

import msgspec
import pytest

from mien.video.fractions import fraction_of_text, fraction_to_text


@pytest.mark.parametrize("value", [Fraction(0), Fraction(-3, 7), Fraction(2**90, 3**50), None])
def test_a_fraction_comes_back(value: Fraction | None) -> None:
    packed = msgspec.msgpack.encode([value], enc_hook=fraction_to_text)
    assert msgspec.msgpack.decode(packed, type=list[Fraction | None], dec_hook=fraction_of_text) == [value]


@pytest.mark.parametrize("text", ["1e999999999", "1/0", "", "0.5", "1/2/3", " 1", "٣", "9" * 101, 5, None])
def test_what_is_none_is_refused_at_once(text: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, Fraction, dec_hook=fraction_of_text)
