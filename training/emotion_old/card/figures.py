"""The card's figures of how good the file is: the table of aims, its neighbours, and what stands behind the rows."""

from typing import Any

from training.common.markdown import percent, table
from training.emotion.calibrate import Meaning
from training.emotion.card.aims import CHANGES, KINDS, aims
from training.emotion.card.shapes import shapes
from training.emotion.pareto import Candidate

Report = dict[str, Any]

COMPARED = (
    ("protocol_a_accuracy", "A, %"),
    ("protocol_b_accuracy", "B, %"),
    ("fer2013_accuracy", "FER2013, %"),
    ("protocol_a_kl_nats", "KL on A, nats"),
    ("protocol_a_macro_recall", "macro recall on A, %"),
    ("ece_protocol_a_pooled", "calibration error on A, pooled, %"),
)


def figures(measured: Report, others: dict[str, Report], version: str, candidates: list[Candidate]) -> str:
    """`others` holds the same figures of the other versions, measured in the same run."""
    return f"""
## Figures

On the FER+ `valid` split, for the very file in this folder: {_kind(measured)}, int8, no test-time augmentation. The
test split was never read. `make model-report` recomputes all of it.

{aims(measured)}

- Protocol A (the FER+ authors'): lone votes dropped; a face counts when its top class has more than half of the
  remaining votes and is neither `unknown` nor `NF`. Protocol B: the most voted of the eight emotions, every face.
  FER2013: the original label, every face that has one.
- KL: votes (lone ones dropped, over the eight emotions) against the scores as shipped. At temperature 1 it is
  {measured["protocol_a"]["kl_nats_untouched"]:.3f}, at the temperature that suits these votes best
  {measured["protocol_a"]["kl_nats_lowest"]:.3f}. {_fitted(measured)}
{_twins(measured)}
{_through(measured)}
{_mirror(measured)}
{_second_looks(measured)}- {_seeds(measured)}

### Beside other versions and the fp32 file

{_neighbours(measured, others, version)}

{_fp32(measured)}

### Time

{_times(measured)}

### Shapes that were tried

{shapes(candidates)}{_of_two(measured)}
"""


def _kind(measured: Report) -> str:
    return "two nets, of which the second looks at some faces" if measured["second_looks"] else "one net"


def _of_two(measured: Report) -> str:
    if not measured["second_looks"]:
        return ""
    return (
        " This file has two of these shapes, the light one for every face and the wide one for some (*How it was "
        "made*): its own accuracy and time stand in the tables above."
    )


def _fitted(measured: Report) -> str:
    """Why the divergence as shipped is not the lowest."""
    if Meaning(measured["fitted_to"]) not in {Meaning.MAJORITY, Meaning.CLEAR_MAJORITY}:
        return ""
    return (
        "The shipped temperature is fitted to the winning label, not to the shares of the votes: a score is meant to "
        "be right as often as it says, and the label that wins is right more often than it has votes. That costs "
        "divergence."
    )


def _twins(measured: Report) -> str:
    twins = measured["twins"]
    return (
        f"- **Without the valid faces that have a near-identical twin in train: "
        f"{percent(twins['without_twin']['accuracy'])} % on protocol A (n = {twins['without_twin']['n']:,})**; "
        f"on those that have one: {percent(twins['with_twin']['accuracy'])} % (n = {twins['with_twin']['n']:,}). "
        "What was done with the twins stands under *How it was made*."
    )


def _through(measured: Report) -> str:
    through = measured["through_detector"]
    if through is None:
        return "- The way through our detector was not measured."
    return (
        f"- Through our detector: tiles pasted into held-out photographs, found by `face-detector` "
        f"{through['detector']}, cropped by the service (n = {through['rows'][0]['n']:,}); a face not found counts as "
        "wrong. The mean over all sizes; each of them stands under *Harder conditions*. The detector was trained with "
        "FER+ train tiles pasted into photographs in much the same way, so other faces may be found less often, and "
        "these very faces chose how tight the crop is (`python -m training.end_to_end.tightness` says what that is "
        "worth and how sure it is)."
    )


def _mirror(measured: Report) -> str:
    mirror = measured["mirror"]
    return (
        f"- A face and its mirror image: the top emotion's score differs by {mirror['mean_difference_top']:.3f} on "
        f"average; the same emotion leads in {percent(mirror['same_emotion'])} % (n = {mirror['n']:,}). The same "
        f"face alone and in batches of 2 to 32: largest difference of any output {measured['batch_dependence']:g}."
    )


def _second_looks(measured: Report) -> str:
    looks = measured["second_looks"]
    if not looks:
        return ""
    harder = ", ".join(f"{percent(share)} % under {CHANGES[name]}" for name, share in looks.items() if name != "plain")
    return (
        f"- The second net looked at {percent(looks['plain'])} % of the faces of `valid`; {harder}. Where it looks at "
        "more of them, the file takes longer.\n"
    )


def _seeds(measured: Report) -> str:
    rows = measured["seeds"]
    if len(rows) < 2:
        return "One seed: how much of a figure is luck was not measured."
    told = "; ".join(
        f"`{row['run']}` (seed {row['seed']}, {row['epochs']} epochs) {row['protocol_a_accuracy']:.2f} % on A"
        for row in rows
    )
    unlike = len({row["epochs"] for row in rows}) > 1
    shared = {row.get("began_with", "") for row in rows} - {""}
    return (
        f"Seeds: {told}."
        + (" **Their lengths differ: the spread is that of length and luck together.**" if unlike else "")
        + (
            f" They began with the weights of {' and '.join(f'`{run}`' for run in sorted(shared))}: the spread is "
            "that of what came after."
            if shared
            else ""
        )
    )


def _neighbours(measured: Report, others: dict[str, Report], version: str) -> str:
    rows = [(f"**version {version}**", measured["compared"]), *((f"version {v}", row) for v, row in others.items())]
    if measured["fp32"] is not None:
        rows.insert(1, (f"version {version}, fp32", measured["fp32"]))
    header = ("file", *(title for _, title in COMPARED))
    cells = ((name, *(row.get(key, "") for key, _ in COMPARED)) for name, row in rows)
    return f"""{table(header, cells)}

All in one run, each at its own shipped temperatures; what they were fitted to may differ (edition 1: shares of votes,
lone ones dropped)."""


def _fp32(measured: Report) -> str:
    fp32 = measured["fp32"]
    if fp32 is None:
        return "The fp32 file was not at hand."
    when = "in this run" if measured["fp32_at_hand"] else "when it was last at hand"
    return (
        f"The fp32 file ({fp32['bytes'] / 1e6:.1f} MB, SHA-256 `{fp32['sha256'][:12]}...`) is not in the store; its "
        f"figures were measured {when}."
    )


def _times(measured: Report) -> str:
    tables = "\n\n".join(_race(measured, processor) for processor in measured["times"])
    return f"""{tables}

onnxruntime on one thread of a shared cloud machine of {measured["cores"]} cores, whose load was {measured["load"]:.1f}
as this run began: busy cores make slow calls. The files took turns, each with the same faces of `valid` one batch after
the other, so the ratios say more than the milliseconds; below 1 the other file is the faster. *Cold*: a face by itself
after other work, which has pushed the weights out of the processor's caches. A time is that of the shape: files of the
same shape, with other weights, take as long{_cascade_time(measured)}. Without VNNI int8 sums are made in the slower way
that cannot overflow. mini-XCEPTION: 64x64, 58,423 parameters (arXiv 1710.07557; the net in `fer`), random weights."""


def _race(measured: Report, processor: str) -> str:
    """What was measured on one processor, in this run or in an earlier one."""
    names = {"fp32": "the same net in fp32", "mini_xception": "mini-XCEPTION's shape, fp32"}
    here, race = processor == measured["processor"], measured["times"][processor]
    ours = race["milliseconds"]
    rows: list[tuple[object, ...]] = [
        ("this file, ms (median)", *_milliseconds(ours)),
        ("this file, ms (fastest)", *(f"{ours[f'batch_{batch}_fast']:.2f}" for batch in (1, 8, 32)), ""),
    ]
    if "milliseconds_looked_twice" in race:
        title = "this file on the faces that both of its nets look at, ms (median)"
        rows.append((title, *_milliseconds(race["milliseconds_looked_twice"])))
    for key, title in names.items():
        if key in race["times_as_slow"]:
            ratio = race["times_as_slow"][key]
            when = ", in an earlier run" if here and key not in measured["raced"] else ""
            rows.append((f"{title}, times our median{when}", *_milliseconds(ratio)))
    when = "" if here else ", an earlier run"
    head = f"a face, one thread ({processor}, {KINDS[race['kind']]}{when})"
    return table((head, "batch 1", "batch 8", "batch 32", "batch 1, cold"), rows)


def _milliseconds(times: dict[str, float]) -> tuple[str, ...]:
    return tuple(f"{times[key]:.2f}" for key in ("batch_1", "batch_8", "batch_32", "batch_1_cold"))


def _cascade_time(measured: Report) -> str:
    return ", on faces as hard" if measured["second_looks"] else ""
