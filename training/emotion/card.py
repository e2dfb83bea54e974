"""The text of CARD.md, from the figures."""

from typing import Any

from training.emotion.labels import FERPLUS8

Report = dict[str, Any]


def card(tables: Report, evaluations: dict[str, Report], ship: str, training: Report) -> str:
    """The whole card; `tables` is the manifest, `evaluations` the reports of the int8 and the fp32 file."""
    measured = evaluations[ship]
    sections = (
        _head(tables, ship, measured),
        _MEANING,
        _figures(measured, evaluations),
        _classes(measured),
        _calibration(measured),
        _conditions(measured),
        _making(tables, training),
        _DATA,
        _LIMITS,
        _USES,
        _remake(tables, training),
    )
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _head(tables: Report, ship: str, measured: Report) -> str:
    note = ""
    if tables["provisional"]:
        note = "\n\n**Provisional: exported while the training was still running. Do not quote its figures.**"
    return f"""
# Emotion model, version {tables["version"]}

A plain convolution + batch norm + ReLU residual net on one grey 48x48 face ({ship}, {measured["bytes"] / 1e6:.1f} MB).
One face in; out come logits over eight emotions as a crowd would label it (`ferplus`), logits over the seven FER2013
labels (`fer2013`), the last feature map and class-activation maps. Any uint8 picture will do: the graph standardises
each picture by itself.{note}
"""


_MEANING = """
## What a score means

A score is the estimated probability that a crowd rater who sees the face would choose that label. It says how people
would *label a face*; it is not a measurement of what anyone feels, intends or is. People who look at the same FER+
face often disagree, and a calibrated model has to be unsure where they do. The FER2013 head answers another question:
which search word an image was collected under, cleaned by a few people; it is surer on posed faces, where a crowd says
`neutral`.
"""


def _figures(measured: Report, evaluations: dict[str, Report]) -> str:
    rows = []
    for kind in ("int8", "fp32"):
        report = evaluations[kind]
        crowd, both, single = report["protocol_a"], report["protocol_b"], report["fer2013"]
        times = report["milliseconds_a_face"]
        rows.append(
            f"| {kind} | {_pc(crowd['accuracy'])} | {_pc(both['accuracy'])} | {_pc(single['accuracy'])} "
            f"| {crowd['kl_nats']:.3f} | {_pc(crowd['macro_recall'])} | "
            + " / ".join(f"{times[f'batch_{batch}']:.2f}" for batch in (1, 8, 32))
            + " |"
        )
    crowd = measured["protocol_a"]
    mirror = measured["mirror"]
    twins = measured["twins"]
    return f"""
## Figures

On the FER+ `valid` split, one net, no test-time augmentation. The test split was never read.

| file | FER+ protocol A, % (n = {crowd["n"]}) | FER+ protocol B, % (n = {measured["protocol_b"]["n"]}) \
| FER2013, % (n = {measured["fer2013"]["n"]}) | KL on A, nats | macro recall on A, % | ms a face, batch 1 / 8 / 32 |
|---|---|---|---|---|---|---|
{chr(10).join(rows)}

- Protocol A (the FER+ authors'): lone votes dropped; a face counts when its top class has more than half of the
  remaining votes and is neither `unknown` nor `NF`.
- Protocol B: the most voted of the eight emotions, every face. FER2013: the original label, every face that has one.
- KL: votes (lone ones dropped, over the eight emotions) against the scores after temperature.
- Milliseconds: onnxruntime, one thread, the fifth fastest of a hundred calls on a shared two-core cloud machine.
- Faces with a near-identical twin in the whole train split (the twins themselves were left out of training):
  {_pc(twins["with_twin"]["accuracy"])} % on protocol A (n = {twins["with_twin"]["n"]}); the others:
  {_pc(twins["without_twin"]["accuracy"])} % (n = {twins["without_twin"]["n"]}).
- A face and its mirror image: scores differ by {mirror["mean_difference"]:.4f} on average over the eight, by
  {mirror["mean_difference_top"]:.3f} for the top emotion; the same emotion leads in {_pc(mirror["same_emotion"])} %
  (n = {mirror["n"]}).
- The same face alone and in batches of 2 to 32: largest difference of any output {measured["batch_dependence"]:g}
  (96 faces, one x86-64 processor with AVX-512).
"""


def _classes(measured: Report) -> str:
    crowd = measured["protocol_a"]
    header = "| true \\ predicted | " + " | ".join(FERPLUS8) + " | recall, % |"
    rows = [
        f"| {name} | " + " | ".join(str(count) for count in counts) + f" | {100 * crowd['recall'][name]:.1f} |"
        for name, counts in zip(FERPLUS8, crowd["confusion"], strict=True)
    ]
    return "\n".join(
        ("## Classes", "", f"Counts on protocol A (n = {crowd['n']}).", "", header, "|---" * 10 + "|", *rows)
    )


def _calibration(measured: Report) -> str:
    heads = []
    for name, title in (("ferplus8", "crowd head, protocol A"), ("basic7", "FER2013 head")):
        fit = measured["temperature"][name]
        after, before = (sum(fit[key]) / 2 for key in ("ece_other_half", "ece_other_half_uncalibrated"))
        heads.append(
            f"| {title} (n = {fit['n']}) | {fit['all']:.3f} | {fit['halves'][0]:.3f}, {fit['halves'][1]:.3f} "
            f"| {_pc(before)} | {_pc(after)} |"
        )
    bins = [
        f"| {index / 15:.2f}-{(index + 1) / 15:.2f} | {count} | {_pc(score)} | {_pc(right)} |"
        for index, (count, score, right) in enumerate(measured["protocol_a"]["reliability"])
        if count
    ]
    return f"""
## Calibration

One temperature a head, by likelihood of the votes (crowd head) or labels (FER2013 head) on `valid`. The error is
measured on the half that was not fitted on (even and odd rows, both ways, averaged); the shipped temperature is fitted
on both halves.

| head | shipped temperature | of the halves | ECE at temperature 1, % | ECE, % |
|---|---|---|---|---|
{chr(10).join(heads)}

Reliability on protocol A with the shipped temperature (fitted on these faces too):

| top score | faces | mean score, % | right, % |
|---|---|---|---|
{chr(10).join(bins)}
"""


def _conditions(measured: Report) -> str:
    base = measured["protocol_a"]["accuracy"]
    rows = [
        f"| {name.replace('_', ' ')} | {_pc(value)} | {100 * (value - base):+.2f} |"
        for name, value in measured["robustness"].items()
    ]

    def sweep(key: str) -> str:
        values = measured[key]
        return "\n".join(
            (
                "| " + " | ".join(values) + " |",
                "|---" * len(values) + "|",
                "| " + " | ".join(_pc(v) for v in values.values()) + " |",
            )
        )

    return f"""
## Harder conditions

Protocol A accuracy in %, one change at a time (plain: {_pc(base)}).

| change | accuracy, % | change, points |
|---|---|---|
{chr(10).join(rows)}

Crop wider (above 1) or tighter than the training tiles; the edge is repeated outside:

{sweep("crop_scale")}

Face side in pixels before enlarging to 48:

{sweep("face_side")}
"""


def _making(tables: Report, training: Report) -> str:
    config, made = training["config"], tables["trained_by"]
    return f"""
## How it was made

- Shape `{config["shape"]}`, {made["epochs"]} epochs, seed {made["seed"]} (one seed),
  {training["seconds"] / 60:.0f} minutes of the clock on one thread of a shared CPU (bf16).
- {made["train_faces"]} train faces: {made["twins_of_valid_dropped"]} of {training["train"]} were dropped because a
  `valid` face is near-identical (pixel correlation above {config["twin_threshold"]}, mirrored or not). Twins *within*
  train stay.
- Targets: the vote distribution with lone votes dropped, over the eight emotions; a face weighs as much as the share
  of its votes that name an emotion, none where most say `unknown` or `NF`. Beside it the FER2013 label, weight
  {config["fer2013_weight"]}.
- SGD (Nesterov, cosine from {config["peak_rate"]}), batch {config["batch"]}; views shifted, scaled, turned, mirrored,
  relit, blurred, resampled, coded, noised and partly erased; weights averaged ({config["ema"]}).
- What chose the checkpoint: the end of the schedule. It is the average after the last epoch, whatever its figures.
- {_lengths(training)}
- `valid` was looked at during the run; it fitted the temperatures and settled the ranges of the int8 file.
"""


_DATA = """
## Data and licence

FER2013 pictures were gathered by web search for a 2013 research competition; nobody in them was asked, and no clear
licence covers reuse. The FER+ votes (ten raters a picture) are MIT. The weights are learned from both; nothing of
the pictures is in this repository. Whether your use of such weights is lawful is for you to settle.

Age, sex, skin colour and origin of the people are not recorded, so nothing can be said about how accuracy differs
between groups. Expect the bias of web photographs: actors, stock pictures, celebrities, mostly adults,
and English search words.
"""

_LIMITS = """
## Where it fails

- Contempt and disgust are rare in the data and rarely found; fear is taken for surprise; sad for neutral.
- Masks, hands, microphones, heavy beards, profiles beyond about 45 degrees, sleeping or speaking mouths.
- Cartoons, paintings, statues and things that are no face still get confident-looking scores.
- Faces under about 24 pixels, and crops framed differently from the tiles (see the tables above).
- A single frame has no context: a shout of joy and one of rage can look alike.
"""

_USES = """
## Uses that are not allowed

Inferring emotions of people in the **workplace** or in **education** is prohibited in the European Union (AI Act,
Regulation (EU) 2024/1689, Art. 5(1)(f)), save for medical or safety reasons. Elsewhere in the Union emotion
recognition is high-risk (Annex III) and people must be told (Art. 50). Do not use it to judge credibility, hiring,
policing, credit, insurance, health or any other decision about a person.
"""


def _lengths(training: Report) -> str:
    """How long the run was meant to be, and what changed that."""
    lengths = [str(segment["planned"]) for segment in training["segments"]]
    story = f"Length: {lengths[0]} epochs, as planned." if len(set(lengths)) == 1 else ""
    if not story:
        story = f"The planned length changed as the run went: {', then '.join(lengths)} epochs."
    return " ".join((story, training["note"])).strip()


def _commands(training: Report) -> str:
    """The training's commands; a run that went on in another folder was copied there first."""
    lines: list[str] = []
    last = None
    for segment in training["segments"]:
        words = segment["command"].split()
        folder = words[words.index("--run") + 1]
        if last not in (None, folder):
            lines.append(f"cp -r {last} {folder}")
        lines.append(f"{segment['command']}  # ended after epoch {segment['epoch']}")
        last = folder
    return "\n".join(lines)


def _remake(tables: Report, training: Report) -> str:
    run = training["run"]
    return f"""
## Remake it

From the repository root (the training as of commit `{tables["trained_by"]["commit"]}`), with the data in
`../shared/data` (about 90 minutes on one core; a run that was killed goes on with `--resume`):

```sh
{_commands(training)}
python -m training.emotion.export --run {run}
python -m training.emotion.quantise --run {run}
python -m training.emotion.evaluate {run}/fp32.onnx
python -m training.emotion.evaluate {run}/int8.onnx
python -m training.emotion.report --run {run} --version {tables["version"]}
```

Sums in bf16 differ between processors, so another machine gives another file of about the same figures.
"""


def _pc(share: float) -> str:
    return f"{100 * share:.2f}"
