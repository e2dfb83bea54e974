"""How ``mien predict`` analyses a picture: with the models here, or on a server."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mien.cli.files import encoding_of, write
from mien.cli.inputs import STDIN
from mien.domain import AnalyzeOptions
from mien.engine.base import Engine
from mien.errors import InputError
from mien.images.decoder import PictureDecoder
from mien.images.encode import Encoding
from mien.results.methods import picture_methods
from mien.results.picture import PictureResult
from mien.results.run import PictureRun, Service, cards_of
from mien.usecases.analyze_image import PictureInput, analyze_images
from mien.usecases.annotate_image import RenderOptions, annotate_image
from mien.usecases.picture_document import picture_document
from mien.version import VERSION


class PictureWork(Protocol):
    """Analyses pictures, each in a thread of its own; ``threads`` at once keep it busy."""

    @property
    def threads(self) -> int: ...

    def analyze(self, picture: PictureInput) -> PictureResult:
        """Raises ``InputError`` for a picture that cannot be read."""
        ...

    def annotate(self, picture: PictureInput, file: Path) -> PictureResult:
        """As ``analyze``; writes the annotated picture too."""
        ...

    def methods(self) -> str:
        """A paragraph for the methods section of a paper."""
        ...


@dataclass(frozen=True, slots=True)
class LocalWork:
    """With the models here."""

    engine: Engine
    decoder: PictureDecoder
    options: AnalyzeOptions
    redact: bool
    threads: int

    def analyze(self, picture: PictureInput) -> PictureResult:
        """See ``PictureWork``."""
        analysis = analyze_images([picture], self.options, engine=self.engine, decoder=self.decoder)
        if (error := analysis.pictures[0].error) is not None:
            raise error
        return PictureResult.from_dict(picture_document(analysis.pictures[0]))

    def annotate(self, picture: PictureInput, file: Path) -> PictureResult:
        """See ``PictureWork``."""
        rendering = RenderOptions(encoding_of(file) or Encoding.JPEG, redact=self.redact)
        annotated = annotate_image(picture, self.options, rendering, engine=self.engine, decoder=self.decoder)
        write(file, annotated.content)
        return PictureResult.from_dict(picture_document(annotated.picture))

    def methods(self) -> str:
        """See ``PictureWork``."""
        service = Service(lambda: VERSION, lambda: cards_of(self.engine.models()))
        return picture_methods(PictureRun(bytes, self.options, service))


def read(path: Path) -> PictureInput:
    """The picture's file; ``-`` is standard input, which is read once.

    Raises:
        InputError: it cannot be read.
    """
    if path == STDIN:
        return PictureInput(None, sys.stdin.buffer.read())
    try:
        return PictureInput(path.name, path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}") from error
