"""The sound of an annotated clip, through the whole of the drawing."""

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from service.domain import AnalyzeOptions
from service.media.clip_model import Sampling
from service.usecases.analyze_video import VideoOptions, analyze_video
from service.usecases.annotate_video import annotate_video
from tests.clips import PatchEngine, moving

LOUD = 1.0  # s into the clip at which its sound begins to be heard
PITCH = 440


class Track(NamedTuple):
    """The sound track to write; channels are told by a layout's name."""

    form: str
    codec: str
    layout: str
    rate: int = 48_000


def write(path: Path, track: Track) -> Path:
    """Two seconds: the second of them is heard, in every channel."""
    with av.open(str(path), "w", format=track.form) as file:
        video = file.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        sound = file.add_stream(track.codec, rate=track.rate)
        sound.layout = track.layout
        for k, pixels in enumerate(moving(50)):
            picture = av.VideoFrame.from_ndarray(pixels, "bgr24")
            picture.pts, picture.time_base = k, Fraction(1, 25)
            file.mux(video.encode(picture))
        file.mux(video.encode(None))
        at = np.arange(2 * track.rate)
        wave = np.where(at < LOUD * track.rate, 0, 8000 * np.sin(at * 2 * np.pi * PITCH / track.rate)).astype(np.int16)
        channels = av.AudioLayout(track.layout).nb_channels
        for begin in range(0, len(wave), 1024):
            samples = np.repeat(wave[begin : begin + 1024], channels)[None]
            piece = av.AudioFrame.from_ndarray(samples, "s16", track.layout)
            piece.sample_rate, piece.pts, piece.time_base = track.rate, begin, Fraction(1, track.rate)
            file.mux(sound.encode(piece))
        file.mux(sound.encode(None))
    return path


def annotated(path: Path, sampling: Sampling | None = None) -> Path:
    video = VideoOptions(sampling or Sampling())
    analysis = analyze_video(path, AnalyzeOptions(), video, engine=PatchEngine())
    target = path.with_name("annotated.mp4")
    for _ in annotate_video(path, target, analysis, AnalyzeOptions(), video):
        pass
    return target


class Heard(NamedTuple):
    codec: str
    layout: str
    rate: int
    samples: NDArray[np.float32]  # [channels, time], from 0 s on

    def loud_from(self) -> float:
        return float(np.argmax(np.abs(self.samples).max(axis=0) > 0.05) / self.rate)

    def loud_until(self) -> float:
        loud = np.flatnonzero(np.abs(self.samples).max(axis=0) > 0.05)
        return float(loud[-1] / self.rate)

    def pitch(self) -> float:
        """Of the first channel, in Hz, over half a second in the middle of what is heard."""
        begin = round((self.loud_from() + 0.1) * self.rate)
        spectrum = np.abs(np.fft.rfft(self.samples[0, begin : begin + self.rate // 2]))
        return float(np.argmax(spectrum)) * 2


def heard(path: Path) -> Heard:
    with av.open(str(path)) as file:
        (sound,) = file.streams.audio
        frames = list(file.decode(sound))
        assert frames[0].time == pytest.approx(0.0, abs=0.001)
        samples = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
        return Heard(sound.codec_context.name, sound.layout.name, sound.sample_rate, samples)


@pytest.mark.parametrize("form", ["avi", "matroska"])
@pytest.mark.parametrize(
    ("written", "kept"),
    [("mono", "mono"), ("stereo", "stereo"), ("3 channels", "stereo"), ("6 channels", "stereo"), ("7.1", "stereo")],
)
def test_a_camera_need_not_say_which_channel_is_which(tmp_path: Path, form: str, written: str, kept: str) -> None:
    sound = heard(annotated(write(tmp_path / "clip", Track(form, "pcm_s16le", written))))
    assert (sound.codec, sound.layout, sound.rate) == ("aac", kept, 48_000)
    assert (sound.loud_from(), sound.loud_until()) == pytest.approx((LOUD, 2.0), abs=0.03)
    assert sound.pitch() == pytest.approx(PITCH, abs=2)


@pytest.mark.parametrize(("rate", "kept"), [(8_000, 8_000), (44_100, 44_100), (37_800, 48_000), (192_000, 48_000)])
def test_a_rate_that_the_encoder_has_not_is_brought_to_one_that_it_has(tmp_path: Path, rate: int, kept: int) -> None:
    sound = heard(annotated(write(tmp_path / "clip", Track("avi", "pcm_s16le", "stereo", rate))))
    assert sound.rate == kept
    assert (sound.loud_from(), sound.loud_until()) == pytest.approx((LOUD, 2.0), abs=0.03)
    assert sound.pitch() == pytest.approx(PITCH, abs=2)


def test_a_part_has_its_own_part_of_the_sound(tmp_path: Path) -> None:
    path = write(tmp_path / "clip", Track("avi", "pcm_s16le", "stereo"))
    sound = heard(annotated(path, Sampling(start=0.6, end=1.6)))
    assert (sound.loud_from(), sound.loud_until()) == pytest.approx((LOUD - 0.6, 1.0), abs=0.05)
