"""The card of a shipped detector: what it is, how good it is beside its teacher, and where it fails."""

from __future__ import annotations

from typing import Any

from training.detector import card_tables as tables
from training.detector.average_precision import MATCH_IOU
from training.detector.data import HOLD_OUT_EVERY
from training.detector.thresholds import MOST_WRONG, MOST_WRONG_FACE_FREE

Report = dict[str, Any]

INTRODUCTION = """# face-detector {version}

Finds faces: a box, a score and five landmarks each. Anchor-free, strides 8, 16 and 32, plain 3x3 convolutions with
ReLU, int8 (QDQ) but for the last layers. Input is the picture's own bytes, any size that is a multiple of 32; the
manifest beside this card says how to read the outputs.
{provisional}
## Trained on

By `training/detector` on nine tenths of the photographs described in the shared data's README (in all 6,783, about
11,400 labelled faces, 900 photographs without any). The weights of edition 1 were its first ones; then two runs of
{iterations} iterations of about 32 views, the second from the average of the first: crops, windows of the photograph as
large as it is, zoom from 8 px faces to faces that fill the view, mosaics of 4 and of 16, rotation to 30 degrees,
mirror, light, colour, grey, blur, noise, JPEG, patches over faces. In the second run a photograph was drawn by the root
of how many faces it shows. Into a quarter of the photographs faces of FER+'s train split are pasted (27,419 that the
teacher is sure of, labelled by it; since iteration 2,000 of the second run also 1,135 that it is not sure of, as a
fifth of those pasted: profiles, hands before faces, screams), with as many patches of face-free photographs beside
them.

What was taken for faces in the training photographs and the teacher does not see (hands, ears, wheels, balls, letters,
patterns) is shown again in a tenth of the views, in the end in a fifth (`training.detector.mine`): 6,577 places by
edition 1, then 2,559 by this network as it was at iteration 5,000, then 1,990 by it at 13,500. Skulls, smileys,
letters, dots and balls are drawn over one photograph in eight (`training.detector.decoys`): none of them is a face.

**A teacher labelled most of it.** Boxes are the teacher's (YuNet-n, MIT) wherever it found the face, also where people
had drawn an ellipse (FDDB) or a box (MaskScenes); people's boxes only where the teacher found nothing. All landmarks
are the teacher's. Faces that the teacher half believed in (score 0.3 to 0.7) are neither trained on nor counted, but
for 598 that stand alone at 0.55 and more in photographs without people's boxes, which are trained on. So the figures
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

The first run was stopped three times and went on under changed augmentation and losses, the second once under changed
tiles, so these commands make one of its kind, not these bytes. `-dirty`: files of `training/emotion` were being edited
beside it; `training/detector` was as committed. Edition 2 was the first run alone until 21 November 2026. From the
repository root, with `.venv-train` (`make setup-train`) activated:

```
python -m training.detector.mine model_store/face-detector/1/model.onnx --out runs/detector/cache/mistakes.json
{segments}
python -m training.detector.export runs/detector/third/last.pt --out runs/detector/third/fp32.onnx
python -m training.detector.quantise runs/detector/third/fp32.onnx --out runs/detector/third/int8.onnx
python -m training.detector.report --ship runs/detector/third/int8.onnx --runs runs/detector/second runs/detector/third
```

`runs/detector/first/last.pt` is edition 1's checkpoint; its card says how it was made. `mistakes-second.json` and
`mistakes-third.json` came from the exports of iterations 5,000 and 13,500, by `training.detector.mine --believed 0.45`.
"""


def card(manifest: Report, measured: Report) -> str:
    """Markdown. `measured` as `measurements.measure_all` gives it."""
    made = manifest["trained_by"]
    sides = list(measured["thresholds"])
    parts = [
        INTRODUCTION.format(
            version=manifest["version"],
            provisional="\n**Provisional: the training was still running when this file was made.**\n"
            if manifest["provisional"]
            else "",
            iterations=" and ".join(f"{count:,}" for count in made["iterations"]),
            pictures=measured["ours"][sides[0]]["all"]["pictures"],
            every=HOLD_OUT_EVERY,
            iou=MATCH_IOU,
            wrong=MOST_WRONG,
            wrong_free=MOST_WRONG_FACE_FREE,
        )
    ]
    for side in sides:
        parts += [make(measured, side) for make in (tables.figures, tables.curve)]
    parts += [make(measured, side) for make in (tables.reliability, tables.failures) for side in sides]
    parts += [make(measured) for make in (tables.served, tables.times, tables.turned, tables.large, tables.jitter)]
    parts.append(
        FAILURES.format(
            licence=manifest["licence"],
            segments="\n".join(f"# {where}\n{command}" for where, command in _starts(made["segments"])),
            version=manifest["version"],
        )
    )
    return "".join(parts)


def _starts(segments: list[str]) -> list[tuple[str, str]]:
    """Where each part of the run began and the commit that it ran at, and its command."""
    return [(where, command) for where, _, command in (segment.partition(": ") for segment in segments)]
