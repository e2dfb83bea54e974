"""``mien predict --url``: pictures on a server. A module of its own, as httpx takes a while to import."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mien.cli.files import encoding_of, write
from mien.client.errors import RequestRefused
from mien.client.sync import Client
from mien.domain import AnalyzeOptions
from mien.errors import MienError
from mien.images.encode import Encoding
from mien.results.inputs import content_of
from mien.results.methods import picture_methods
from mien.results.options import picture_keywords
from mien.results.picture import PictureResult
from mien.results.run import PictureRun, Service
from mien.usecases.analyze_image import PictureInput

_OF_ONE_FILE = (413, 415, 422)  # statuses; others concern every request


@contextmanager
def about_one_file() -> Iterator[None]:
    """Refusals that are not about the file that was sent end the run: they are no ``InputError``."""
    try:
        yield
    except RequestRefused as error:
        if error.status in _OF_ONE_FILE:
            raise
        raise MienError(str(error)) from error


@dataclass(frozen=True, slots=True)
class RemoteWork:
    """On a server."""

    client: Client
    options: AnalyzeOptions
    redact: bool
    threads: int = 4

    def analyze(self, picture: PictureInput) -> PictureResult:
        """See ``PictureWork``."""
        with about_one_file():
            result = self.client.analyze(content_of(picture), **picture_keywords(self.options))
        return replace(result, name=picture.name)

    def annotate(self, picture: PictureInput, file: Path) -> PictureResult:
        """See ``PictureWork``."""
        result = self.analyze(picture)
        encoding = encoding_of(file) or Encoding.JPEG
        if not self.redact and not self.options.explain:
            write(file, result.annotated(encoding))
            return result
        drawn = self.client.annotate(
            content_of(picture),
            explain=self.options.explain,
            redact=self.redact,
            encoding=encoding,
            **picture_keywords(self.options),
        )
        write(file, drawn)
        return result

    def methods(self) -> str:
        """See ``PictureWork``."""
        service = Service(self.client.version, self.client.models)
        return picture_methods(PictureRun(bytes, self.options, service))
