"""The sound of an annotated clip, through the whole of ``annotate_video``."""

import contextlib
import random
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from mien.domain import AnalyzeOptions
from mien.errors import InputError
from mien.usecases.analyze_video import VideoOptions, analyze_video
from mien.usecases.annotate_video import annotate_video
from mien.video.model import Sampling
from tests.clips import PatchEngine, Recipe, moving, steps, write_clip, write_tone

LOUD = 1.0  # s into the clip; silence before
PITCH = 440


class Track(NamedTuple):
    """The sound track to write."""

    form: str
    codec: str
    layout: str
    rate: int = 48_000


def write(path: Path, track: Track, pictures: int = 50) -> Path:
    """Two seconds, silent until ``LOUD``, then a tone in every channel. The frame rate is 25."""
    with av.open(str(path), "w", format=track.form) as file:
        video = file.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        sound = file.add_stream(track.codec, rate=track.rate)
        sound.layout = track.layout
        for k, pixels in enumerate(moving(pictures)):
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


def annotated(path: Path, sampling: Sampling | None = None, warnings: list[str] | None = None) -> Path:
    video = VideoOptions(sampling or Sampling())
    analysis = analyze_video(path, AnalyzeOptions(), video, engine=PatchEngine())
    target = path.with_name("annotated.mp4")
    found: list[str] = []
    for _ in annotate_video(path, target, analysis, video, tell=found.append):
        pass
    if warnings is None:
        assert found == []
    else:
        warnings += found
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
def test_pcm_without_channel_layout_is_mixed_down(tmp_path: Path, form: str, written: str, kept: str) -> None:
    sound = heard(annotated(write(tmp_path / "clip", Track(form, "pcm_s16le", written))))
    assert (sound.codec, sound.layout, sound.rate) == ("aac", kept, 48_000)
    assert (sound.loud_from(), sound.loud_until()) == pytest.approx((LOUD, 2.0), abs=0.03)
    assert sound.pitch() == pytest.approx(PITCH, abs=2)


@pytest.mark.parametrize(("rate", "kept"), [(8_000, 8_000), (44_100, 44_100), (37_800, 48_000), (192_000, 48_000)])
def test_unsupported_sample_rates_are_resampled(tmp_path: Path, rate: int, kept: int) -> None:
    sound = heard(annotated(write(tmp_path / "clip", Track("avi", "pcm_s16le", "stereo", rate))))
    assert sound.rate == kept
    assert (sound.loud_from(), sound.loud_until()) == pytest.approx((LOUD, 2.0), abs=0.03)
    assert sound.pitch() == pytest.approx(PITCH, abs=2)


def test_an_excerpt_has_its_own_part_of_the_sound(tmp_path: Path) -> None:
    path = write(tmp_path / "clip", Track("avi", "pcm_s16le", "stereo"))
    sound = heard(annotated(path, Sampling(start=0.6, end=1.6)))
    assert (sound.loud_from(), sound.loud_until()) == pytest.approx((LOUD - 0.6, 1.0), abs=0.05)


@pytest.mark.parametrize("track", [Track("mp4", "aac", "stereo"), Track("matroska", "ac3", "stereo")])
def test_sound_continues_after_the_last_frame(tmp_path: Path, track: Track) -> None:
    target = annotated(write(tmp_path / "clip", track, pictures=10))
    assert pictures_and_tracks(target) == (10, 1)
    assert heard(target).loud_until() == pytest.approx(2.0, abs=0.06)


def pictures_and_tracks(path: Path) -> tuple[int, int]:
    with av.open(str(path)) as file:
        return sum(1 for _ in file.decode(video=0)), len(file.streams.audio)


UNREADABLE = ["The clip's sound cannot be read; it was left out."]
ROUNDS = 25


@pytest.mark.parametrize(
    "track",
    [
        Track("mpegts", "mp2", "stereo"),
        Track("avi", "libmp3lame", "stereo"),
        Track("mov", "alac", "stereo"),
        Track("mpegts", "aac", "stereo"),
        Track("mpegts", "ac3", "stereo"),
        Track("matroska", "flac", "stereo"),
    ],
    ids=lambda track: f"{track.codec} in {track.form}",
)
def test_only_damaged_packets_are_lost(tmp_path: Path, track: Track) -> None:
    path = write(tmp_path / "clip", track)
    whole = path.read_bytes()
    warned = 0
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        content = bytearray(whole)
        for _ in range(chance.choice((3, 30, 100))):
            at = chance.randrange(len(content))
            content[at : at + 4] = chance.randbytes(4)
        path.write_bytes(content[: len(whole)])
        warnings: list[str] = []
        with contextlib.suppress(InputError):
            assert pictures_and_tracks(annotated(path, warnings=warnings))[0] > 0
        assert all("sound" in warning for warning in warnings)
        warned += bool(warnings)
    # Copied packets are not decoded: only those that cannot be written are counted.
    assert warned or track.codec == "flac"


def test_damage_is_reported_and_the_rest_stays_in_sync(tmp_path: Path) -> None:
    path = write(tmp_path / "clip", Track("avi", "ac3", "stereo"))
    content = bytearray(path.read_bytes())
    frames = [at for at in range(len(content)) if content[at : at + 2] == b"\x0b\x77"]
    content[frames[10] : frames[10] + 8] = bytes(8)
    path.write_bytes(content)
    warnings: list[str] = []
    sound = heard(annotated(path, warnings=warnings))
    assert warnings == ["1 damaged pieces of the clip's sound were left out."]
    assert (sound.loud_from(), sound.loud_until()) == pytest.approx((LOUD, 2.0), abs=0.06)


@pytest.mark.parametrize(
    ("track", "before", "after"),
    [
        (Track("matroska", "pcm_s16le", "stereo"), b"A_PCM/INT/LIT", b"A_NEVER/HEARD"),
        (Track("matroska", "wavpack", "stereo"), b"", b""),
        (Track("avi", "pcm_s16le", "9 channels"), b"", b""),
    ],
    ids=["unknown codec", "unlisted codec", "nine channels without a layout"],
)
def test_unreadable_sound_is_left_out_and_reported(tmp_path: Path, track: Track, before: bytes, after: bytes) -> None:
    path = write(tmp_path / "clip", track)
    path.write_bytes(path.read_bytes().replace(before, after))
    warnings: list[str] = []
    assert pictures_and_tracks(annotated(path, warnings=warnings))[0] == 50
    assert warnings == UNREADABLE


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e9, 1e30])
def test_samples_out_of_range_do_not_stop_the_encoder(tmp_path: Path, value: float) -> None:
    path = write(tmp_path / "clip", Track("avi", "pcm_f32le", "mono"))
    content = path.read_bytes()
    piece = np.zeros(256, np.float32).tobytes()
    at = content.rindex(piece)  # the last of the silence
    path.write_bytes(content[:at] + np.full(256, value, np.float32).tobytes() + content[at + len(piece) :])
    sound = heard(annotated(path))
    assert np.isfinite(sound.samples).all()
    assert sound.loud_until() == pytest.approx(2.0, abs=0.03)


@pytest.mark.parametrize("claim", [b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\0\0\0"])
def test_an_absurd_packet_duration_is_ignored(tmp_path: Path, claim: bytes) -> None:
    path = write(tmp_path / "clip", Track("mp4", "aac", "stereo"))
    content = bytearray(path.read_bytes())
    table = content.index(b"stts", content.index(b"soun"))
    assert int.from_bytes(content[table + 8 : table + 12], "big") > 1
    content[table + 16 : table + 20] = claim
    path.write_bytes(content)
    target = annotated(path, warnings=[])
    assert pictures_and_tracks(target) == (50, 1)
    with av.open(str(target)) as file:
        assert file.duration is not None
        assert file.duration / av.time_base < 2.1


@pytest.mark.parametrize("codec", ["mp2", "aac"])
def test_sound_continues_where_the_clock_restarts(tmp_path: Path, codec: str) -> None:
    path = write(tmp_path / "clip", Track("mpegts", codec, "stereo"))
    path.write_bytes(path.read_bytes() * 2)
    warnings: list[str] = []
    sound = heard(annotated(path, warnings=warnings))
    assert warnings == []
    assert (sound.loud_from(), sound.loud_until()) == pytest.approx((LOUD, 4.0), abs=0.1)
    quiet = sound.samples[..., round(2.15 * sound.rate) : round((2.0 + LOUD - 0.1) * sound.rate)]
    assert np.abs(quiet).max() < 0.1 * np.abs(sound.samples).max()


def write_late_tracks(path: Path) -> Path:
    """Twice 40 frames of a transport stream with one sound track, and between them a program of 40 more tracks.

    They come too late to be known when the file is opened, as those that damage makes up do.
    """
    chance = np.random.default_rng(1)
    noise = (chance.integers(0, 255, (240, 320, 3), np.uint8) for _ in range(40))
    recipe = Recipe(form="mpegts", sound="mp2", options=(("qp", "1"), ("preset", "ultrafast")))
    known = write_clip(path, steps(40), noise, recipe).read_bytes()
    with av.open(str(path), "w", format="mpegts", options={"mpegts_start_pid": "1024"}) as file:
        for stream in [file.add_stream("mp2", rate=48_000) for _ in range(40)]:
            write_tone(file, stream, 0.1)
    path.write_bytes(known + path.read_bytes() + known)
    return path


def test_tracks_that_appear_late_are_ignored(tmp_path: Path) -> None:
    warnings: list[str] = []
    target = annotated(write_late_tracks(tmp_path / "clip.ts"), warnings=warnings)
    assert pictures_and_tracks(target) == (80, 1)
    assert heard(target).pitch() == pytest.approx(PITCH, abs=2)
