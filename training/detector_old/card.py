"""The card of a shipped detector: what it is, how good it is beside its teacher, and where it fails."""

from __future__ import annotations

from typing import Any

from training.detector import card_tables as tables
from training.detector.aims import aims
from training.detector.average_precision import MATCH_IOU
from training.detector.data import HOLD_OUT_EVERY
from training.detector.history import History
from training.detector.thresholds import MOST_WRONG, MOST_WRONG_FACE_FREE

Report = dict[str, Any]

INTRODUCTION = """# face-detector {version}

Finds faces: a box, a score and five landmarks each. Anchor-free, strides 8, 16 and 32, plain 3x3 convolutions with
ReLU, int8 (QDQ) but for the last layers. Input is the picture's own bytes, any size that is a multiple of 32; the
manifest beside this card says how to read the outputs.
{provisional}
## Trained on

{history}

**A teacher labelled most of it.** Boxes are the teacher's (YuNet-n, MIT) wherever it found the face, also where people
had drawn an ellipse (FDDB) or a box (MaskScenes); people's boxes only where the teacher found nothing. All landmarks
are the teacher's. Faces that the teacher half believed in (score 0.3 to 0.7) are neither trained on nor counted, but
for 598 that stand alone at 0.55 and more in photographs without people's boxes, which are trained on. Its scores decide
no more than that: what the network's own score learns is how well its box overlaps the label. So the figures
below measure agreement with the teacher more than truth, and flatter the teacher; the row "FDDB, people's boxes" is
the exception.

## Measured

By `make model-report`, which writes this card: the shipped file, and the peer beside it in the same run. On the
{pictures} held-out photographs: every {every}th photograph of each source, in file order, never trained on. AP at IoU
{iou}, all points; faces of 16 px or more at the input's scale (square root of the area); `ignore` left out; any
unmatched detection counts as false, whatever its size. FDDB and street pictures come in series, so a held-out picture
may have near neighbours in training. False positives of every size count against each row of faces of one size. Our
boxes are voted on by neighbouring cells, as the service does it; the peer's are its own best cells, as OpenCV does it.
The shipped thresholds, one a way to look, were chosen on these same photographs: the lowest with at most {wrong} false
positives a picture and {wrong_free} a face-free one.
"""

FAILURES = """
## Where it fails

- Faces turned by more than about 30 degrees (table above): it was trained to 30 degrees. On their side `fast` loses
  them; upside down it finds many, but takes eyes and mouth for each other. `accurate` turns the picture where nothing
  sure was found; a turned face beside a sure upright one stays lost.
- Strong profile, faces under masks, scarves and hands, and faces cut by the edge: found less often (see `maskscenes`).
- Below about 16 px at the input's scale it misses many faces; use the longer input (640) for groups.
- Dolls, statues, printed faces and animals may count as faces: the teacher's labels hold some of each.
- Scores rank detections and follow the root of the box's expected overlap; the table above says what they are worth.
- The photographs are mostly of news, street and fashion in good light. How it does by skin tone, age or dress was not
  measured.

## Licence

{licence}

## Made by

{exactness} From the repository root, with `.venv-train` (`make setup-train`) activated:

```
{segments}
python -m training.detector.export {run}/last.pt --out {run}/fp32.onnx
python -m training.detector.quantise {run}/fp32.onnx --out {run}/int8.onnx
python -m training.detector.report --ship {run}/int8.onnx --runs {runs}
```
"""


def card(manifest: Report, measured: Report, history: History) -> str:
    """Markdown. `measured` as `measurements.measure_all` gives it."""
    made = manifest["trained_by"]
    sides = list(measured["thresholds"])
    parts = [
        INTRODUCTION.format(
            version=manifest["version"],
            provisional="\n**Provisional: the training was still running when this file was made.**\n"
            if manifest["provisional"]
            else "",
            history=history.trained_on.format(iterations=_listed([f"{count:,}" for count in made["iterations"]])),
            pictures=measured["ours"][sides[0]]["all"]["pictures"],
            every=HOLD_OUT_EVERY,
            iou=MATCH_IOU,
            wrong=MOST_WRONG,
            wrong_free=MOST_WRONG_FACE_FREE,
        ),
        aims(measured),
    ]
    for side in sides:
        parts += [make(measured, side) for make in (tables.figures, tables.curve)]
    parts += [make(measured, side) for make in (tables.reliability, tables.failures) for side in sides]
    parts += [make(measured) for make in (tables.served, tables.times, tables.turned, tables.large, tables.jitter)]
    parts.append(
        FAILURES.format(
            licence=manifest["licence"],
            exactness=history.made_by,
            segments="\n".join(f"# {where}\n{command}" for where, command in _starts(made["segments"])),
            run=made["runs"][-1],
            runs=" ".join(made["runs"]),
        )
    )
    return "".join(parts)


def _listed(words: list[str]) -> str:
    """As prose: a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _starts(segments: list[str]) -> list[tuple[str, str]]:
    """Where each part of the run began and the commit that it ran at, and its command."""
    return [(where, command) for where, _, command in (segment.partition(": ") for segment in segments)]
