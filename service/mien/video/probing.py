"""How far libav reads a file to find out what its tracks are."""

from contextlib import suppress

from av.container import InputContainer

from mien.video.damage import BAD_MEDIA

# Bytes of packets that libav keeps while it finds out what the tracks are, with some 540 more for each packet, however
# small. It reads more of a file whose tracks it then does not know, such as a broadcast that was joined in the middle.
QUICK_PROBE = 400_000
LONG_PROBE = 5_000_000
_MOST_PACKETS = 100_000


def is_known(container: InputContainer) -> bool:
    """Whether what was read of the file told what its tracks are."""
    pictures, sounds = container.streams.video, container.streams.audio
    return (
        bool(pictures)
        and all(s.codec_context is None or s.codec_context.width for s in pictures)
        and all(s.codec_context is None or s.codec_context.sample_rate for s in sounds)
    )


def has_many_packets(container: InputContainer) -> bool:
    """Whether reading on until ``LONG_PROBE`` bytes would keep more than ``_MOST_PACKETS``."""
    count = total = 0
    with suppress(*BAD_MEDIA):
        for packet in container.demux():
            count, total = count + 1, total + packet.size
            if total > LONG_PROBE or count > _MOST_PACKETS:
                break
    return count > _MOST_PACKETS
