"""The card of a shipped detector: what it is, how good it is beside its teacher, and where it fails."""

from __future__ import annotations

from typing import Any

from training.detector.average_precision import MATCH_IOU
from training.detector.data import HOLD_OUT_EVERY

Report = dict[str, Any]

INTRODUCTION = """# face-detector {version}

Finds faces: a box, a score and five landmarks each. Anchor-free, strides 8, 16 and 32, plain 3x3 convolutions with
ReLU, {precision}. Input is the picture's own bytes, any size that is a multiple of
32; the manifest beside this card says how to read the outputs.
{provisional}
## Trained on

By `training/detector` on nine tenths of the photographs described in the shared data's README (in all 6,783, about
11,400 labelled faces, 900 photographs without any): {iterations} iterations of about 32 views (crops, zoom from 8 px
faces to faces that fill the view, rotation to 25 degrees, mirror, light, colour, grey, blur, noise, JPEG, patches over
faces, mosaics). Into a quarter of the photographs faces of FER+'s train split are pasted (27,419 that the teacher is
sure of, labelled by it), with as many patches of face-free photographs beside them.

**A teacher labelled most of it.** Boxes are the teacher's (YuNet-n, MIT) wherever it found the face, also where people
had drawn an ellipse (FDDB) or a box (MaskScenes); people's boxes only where the teacher found nothing. All landmarks
are the teacher's. Faces that the teacher half believed in (score 0.3 to 0.7) are neither trained on nor counted. So the
figures below measure agreement with the teacher more than truth, and flatter the teacher; the row "FDDB, people's
boxes" is the exception.

## Measured

On the {pictures} held-out photographs: every {every}th photograph of each source, in file order, never trained on.
AP at IoU {iou}, all points; faces of 16 px or more at the input's scale (square root of the area); `ignore` left out;
any unmatched detection counts as false, whatever its size. FDDB and street pictures come in series, so a held-out
picture may have near neighbours in training. False positives of every size count against each row of faces of one
size. The shipped thresholds, one an input size, were chosen on these same photographs: the lowest with at most 0.05
false positives a picture and 0.025 a face-free one.
"""

FAILURES = """
## Where it fails

- Faces turned by more than about 30 degrees (table above): it was trained to 25 degrees. On their side they are lost;
  upside down many boxes are found, but eyes and mouth are then taken for each other.
- Strong profile, faces under masks, scarves and hands, and faces cut by the edge: found less often (see `maskscenes`).
- Below about 16 px at the input's scale it misses most faces; use the longer input (640) for groups.
- Dolls, statues, drawn faces and animals may count as faces: the teacher's labels hold some of each.
- Scores rank detections and follow the box's expected overlap; they are not calibrated probabilities.
- The photographs are mostly of news, street and fashion in good light. How it does by skin tone, age or dress was not
  measured.

## Licence

{licence}

## Made by

Commit `{commit}`. The run was stopped and resumed under changed augmentation ({segments}),
so these commands make a model of this kind, not these bytes. From the repository root, with `.venv-train`
(`make setup-train`) activated:

```
{command}
python -m training.detector.export runs/detector/first/last.pt --out runs/detector/fp32.onnx
python -m training.detector.quantise runs/detector/fp32.onnx --out runs/detector/int8.onnx
python -m training.detector.evaluate runs/detector/fp32.onnx --json runs/detector/fp32.json
python -m training.detector.evaluate runs/detector/int8.onnx --json runs/detector/int8.json
python -m training.detector.evaluate ../shared/teacher/yunet_n.onnx --json runs/detector/yunet.json
python -m training.detector.timing runs/detector/fp32.onnx runs/detector/int8.onnx ../shared/teacher/yunet_n.onnx \\
    --json runs/detector/time.json
python -m training.detector.turned runs/detector/{file} --threshold {threshold} --json runs/detector/turned.json
python -m training.detector.report --run runs/detector/first --model runs/detector/{file} --version {version}
```
"""


def card(manifest: Report, measured: Report, peers: Report, times: Report, turned: Report, file: str) -> str:
    """Markdown. `peers` holds the reports of the float edition ("fp32") and of YuNet-n ("yunet")."""
    made = manifest["trained_by"]
    head = INTRODUCTION.format(
        version=manifest["version"],
        precision="int8 (QDQ) but for the last layers" if "int8" in file else "float32",
        provisional="\n**Provisional: the training was still running when this file was made.**\n"
        if manifest["provisional"]
        else "",
        iterations=f"{made['iterations']:,}",
        pictures=measured["640"]["all"]["pictures"],
        every=HOLD_OUT_EVERY,
        iou=MATCH_IOU,
    )
    chosen = {"640": manifest["detector"]["accurate_threshold"], "320": manifest["detector"]["threshold"]}
    tables = [_figures(side, measured[side], peers, threshold) for side, threshold in chosen.items()]
    tail = FAILURES.format(
        licence=manifest["licence"],
        commit=made["commit"],
        segments="; ".join(made["segments"]),
        command=made["command"],
        file=file,
        threshold=manifest["detector"]["threshold"],
        version=manifest["version"],
    )
    return head + "".join(tables) + _times(times) + _turned(turned) + tail


def _figures(side: str, ours: Report, peers: Report, threshold: float) -> str:
    columns = [ours, peers["fp32"][side], peers["yunet"][side]]
    lines = [
        f"\n### {side} px on the long side\n",
        "| | this file | float edition | YuNet-n | n |",
        "|---|---|---|---|---|",
    ]

    def row(name: str, values: list[float], count: int) -> None:
        lines.append(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + f" | {count:,} |")

    def average(name: str, *keys: str) -> None:
        parts = columns
        for key in keys:
            parts = [part[key] for part in parts]
        row(name, [part["ap50"] for part in parts], parts[0]["faces"])

    average("**AP50, 16 px and more**", "all")
    average("AP50, 24 px and more", "at_least_24")
    average("AP50, FDDB, people's boxes", "fddb_people")
    for bucket in ours["by_size"]:
        average(f"AP50, {bucket} px", "by_size", bucket)
    for source in ours["by_source"]:
        average(f"AP50, {source}", "by_source", source)
    recalls = [part["at_least_32"]["recall_at_0.05_fp"] for part in columns]
    row("recall at 0.05 false positives a picture, 32 px and more", recalls, ours["at_least_32"]["faces"])
    errors = [part["landmarks"]["mean"] for part in columns]
    row("landmark distance to the teacher's label over the face's side", errors, ours["landmarks"]["n"])
    lines.append(f"\nAt scores of {threshold} and more (the shipped threshold; the scales of two models differ):\n")
    lines += ["| | this file | float edition | YuNet-n | n |", "|---|---|---|---|---|"]
    chosen = [min(part["thresholds"], key=lambda r: abs(r["threshold"] - threshold)) for part in columns]
    row("recall", [r["recall"] for r in chosen], ours["all"]["faces"])
    row("false positives a picture", [r["fp_a_picture"] for r in chosen], ours["all"]["pictures"])
    wrong = [r["fp_a_face_free_picture"] for r in chosen]
    row("false positives a face-free picture", wrong, ours["face_free_pictures"])
    return "\n".join(lines) + "\n"


def _turned(turned: Report) -> str:
    lines = [
        f"\n### Turned pictures: {turned['faces']} held-out faces of FDDB and portraits, {turned['long_side']} px, "
        f"scores of {turned['threshold']} and more\n",
        "| degrees | " + " | ".join(str(row["degrees"]) for row in turned["rows"]) + " |",
        "|---" * (len(turned["rows"]) + 1) + "|",
    ]
    for name, key in (("recall", "recall"), ("landmark distance over the face's side", "landmark_error")):
        lines.append(f"| {name} | " + " | ".join(f"{row[key]:.2f}" for row in turned["rows"]) + " |")
    return "\n".join(lines) + "\n"


def _times(times: Report) -> str:
    lines = ["\n### Time, one thread, onnxruntime, one run, files taking turns (ms: median, fastest tenth)\n"]
    names = list(next(iter(times.values())))
    lines += ["| input | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for side, files in times.items():
        cells = [f"{files[name]['median']:.2f}, {files[name]['p10']:.2f}" for name in names]
        lines.append(f"| {side}x{side} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
