"""A timeline as an ELAN annotation file (EAF 2.8): one tier per person, one annotation per segment."""

from xml.etree import ElementTree

from pympi import Elan

from mien.timeline.model import Timeline

_MIME_TYPES = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".avi": "video/x-msvideo",
}


def eaf(timeline: Timeline, clip_name: str | None = None) -> bytes:
    """The file, UTF-8 XML, with times in milliseconds.

    Segments shorter than half a millisecond are left out: ELAN takes none of no length. With a ``clip_name`` the file
    links to it, in the same folder.
    """
    document = Elan.Eaf(author="Mien")
    for tier in list(document.get_tier_names()):
        document.remove_tier(tier)
    if clip_name is not None:
        suffix = clip_name[clip_name.rfind(".") :].lower() if "." in clip_name else ""
        document.add_linked_file(
            f"./{clip_name}", relpath=f"./{clip_name}", mimetype=_MIME_TYPES.get(suffix, "video/mp4")
        )
    for person in timeline.people:
        tier = f"Person {person.person}"
        document.add_tier(tier)
        for segment in person.segments:
            start, end = round(1000 * segment.start), round(1000 * segment.end)
            if start < end:
                document.add_annotation(tier, start, end, segment.emotion)
    root = Elan.to_adocument(document)
    return bytes(ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True))
