"""The card's words that no figure changes."""

from typing import Any

from training.emotion.calibrate import Meaning

Report = dict[str, Any]

_SCORES = {
    Meaning.MAJORITY: "A score is the estimated chance that most raters of a crowd would choose that label",
    Meaning.CLEAR_MAJORITY: "A score is the estimated chance that most raters of a crowd would choose that label",
    Meaning.VOTES: "A score is the estimated share of crowd raters who would choose that label",
    Meaning.VOTES_WITHOUT_LONE_ONES: "A score is the estimated share of crowd raters who would choose that label",
}


MIRRORED = "m"
"""How the names of mirrored shapes begin; the report knows a net by its file and its shape's name alone."""

GATED = "-g"
"""How the names of gated shapes end."""

_ONE_NET = (
    "A plain convolution + batch norm + ReLU residual net on one grey 48x48 face (int8, {megabytes:.1f} MB). One face "
    "in; out come logits over eight emotions as a crowd would label it (`ferplus`), logits over the seven FER2013 "
    "labels (`fer2013`), the last feature map and class-activation maps."
)
_TWO_NETS = (
    "Two plain convolution + batch norm + ReLU residual nets on one grey 48x48 face, in one graph (int8, "
    "{megabytes:.1f} MB). The first, a light one, answers every face. Where it is not sure, the wide second looks at "
    "the same picture, and the answer moves towards what that says (`training/emotion/cascade.py`). One face in; out "
    "come logits over eight emotions as a crowd would label it (`ferplus`), logits over the seven FER2013 labels "
    "(`fer2013`), class-activation maps, and whether both nets looked (`unsure`). What a face gets does not depend on "
    "the faces beside it."
)


def head(tables: Report, measured: Report) -> str:
    """What the file is."""
    note = ""
    if tables["provisional"]:
        note = "\n\n**Provisional: exported while the training was still running. Do not quote its figures.**"
    aside = ""
    if not tables.get("serve", True):
        aside = f"\n\nServes only where `MIEN_MODEL_VERSIONS` asks for it: `emotion={tables['version']}`."
    kind = _TWO_NETS if "stages" in tables["trained_by"] else _ONE_NET
    mirrored = ""
    if tables["trained_by"]["shape"].startswith(MIRRORED):
        mirrored = (
            " Its filters are tied in mirrored pairs, so that a face and its mirror image get the same scores (Cohen "
            "and Welling 2016, arXiv:1602.07576; `training/emotion/symmetry.py`)."
        )
    gated = ""
    if tables["trained_by"]["shape"].endswith(GATED):
        gated = (
            " In its later blocks gates scale channels by what all of them show of the whole face "
            "(squeeze-and-excitation, Hu et al. 2018, arXiv:1709.01507)."
        )
    return f"""
# Emotion model, version {tables["version"]}

{kind.format(megabytes=measured["bytes"] / 1e6)} Any uint8 picture will do: the graph standardises each picture by
itself.{mirrored}{gated}{aside}{note}
"""


def meaning(measured: Report) -> str:
    """What a score says and what it does not."""
    return f"""
## What a score means

{_SCORES[Meaning(measured["fitted_to"])]}. It says how people would
*label a face*; it is not a measurement of what anyone feels, intends or is. People who look at the same FER+ face often
disagree, and a calibrated model has to be unsure where they do. The FER2013 head answers another question: which search
word an image was collected under, cleaned by a few people; it is surer on posed faces, where a crowd says `neutral`.
"""


def data(tables: Report) -> str:
    """Where the pictures come from, and what that means for whoever uses the weights."""
    others = ""
    if tables["trained_by"].get("faces_without_votes"):
        others = (
            "The photographs whose faces it saw without votes carry no clear licence either; FDDB is research data. "
        )
    return f"""
## Data and licence

FER2013 pictures were gathered by web search for a 2013 research competition; nobody in them was asked, and no clear
licence covers reuse. The FER+ votes (ten raters a picture) are MIT. {others}The weights are learned from all of these;
nothing of the pictures is in this repository. Whether your use of such weights is lawful is for you to settle.

Age, sex, skin colour and origin of the people are not recorded, so nothing can be said about how accuracy differs
between groups. Expect the bias of web photographs: actors, stock pictures, celebrities, mostly adults,
and English search words.
"""


LIMITS = """
## Where it fails

- Contempt and disgust are rare in the data and rarely found; fear is taken for surprise; sad for neutral.
- Masks, hands, microphones, heavy beards, profiles beyond about 45 degrees, sleeping or speaking mouths.
- Cartoons, paintings, statues and things that are no face still get confident-looking scores.
- Faces under about 24 pixels, and crops framed differently from the tiles (see the tables above).
- A single frame has no context: a shout of joy and one of rage can look alike.
"""

USES = """
## Uses that are not allowed

Inferring emotions of people in the **workplace** or in **education** is prohibited in the European Union (AI Act,
Regulation (EU) 2024/1689, Art. 5(1)(f)), save for medical or safety reasons. Elsewhere in the Union emotion
recognition is high-risk (Annex III) and people must be told (Art. 50). Do not use it to judge credibility, hiring,
policing, credit, insurance, health or any other decision about a person.
"""
