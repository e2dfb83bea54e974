"""Rules of the European Union on emotion recognition, and a notice in their spirit. No legal advice.

The dates are those of Regulation (EU) 2024/1689, Article 113, as amended in 2026 by the "Digital Omnibus on AI"
(procedure 2025/0359(COD)), which moved Annex III and left Articles 5 and 50(3) as they were.
"""

from dataclasses import dataclass
from datetime import date

_AI_ACT = "https://eur-lex.europa.eu/eli/reg/2024/1689/oj"
_AMENDMENT = "https://oeil.europarl.europa.eu/oeil/en/procedure-file?reference=2025/0359(COD)"
_GDPR = "https://eur-lex.europa.eu/eli/reg/2016/679/oj"

DISCLAIMER = (
    "This is no legal advice. It may be incomplete or out of date; read the sources, and ask someone who may advise "
    "you whether and how the rules apply to your use."
)


@dataclass(frozen=True, slots=True)
class Law:
    """A rule, what it says in short, the day from which it applies, and the address of its text."""

    rule: str
    says: str
    applies_from: date
    source: str


LAWS = (
    Law(
        "AI Act, Article 5(1)(f)",
        "Inferring the emotions of people at work or in education is prohibited, except for medical or safety reasons.",
        date(2025, 2, 2),
        _AI_ACT,
    ),
    Law(
        "AI Act, Article 50(3)",
        "Anyone who uses an emotion recognition system informs the people exposed to it that it operates, and handles "
        "personal data as the GDPR says, except where law permits its use to detect, prevent or investigate crimes. "
        "Paragraph 5: clearly, and at the latest at the first exposure.",
        date(2026, 8, 2),
        _AI_ACT,
    ),
    Law(
        "AI Act, Annex III, point 1(c), with Article 6(2)",
        "Emotion recognition is a high-risk use: risk management, documentation, human oversight, registration.",
        date(2027, 12, 2),
        _AMENDMENT,
    ),
    Law(
        "GDPR, Articles 9 and 13",
        "Biometric data that identify people, and data on health, need a special ground; people are told who processes "
        "their data, why, for how long, and what their rights are.",
        date(2018, 5, 25),
        _GDPR,
    ),
)

NOTICE = """Faces are analysed here by a computer.

[Name and address of the operator] analyses [camera pictures / clips / photographs] of [place or occasion] with an \
emotion recognition system. It finds faces and estimates which emotion most people would see in each. That is an \
estimate of what a face shows, and not of what a person feels; it can be wrong.

It is done for [purpose], on the ground of [legal basis]. The pictures are not kept: each is deleted as soon as it has \
been analysed. The results are [not kept / kept for ... / counted over at least five people, without regard to any one \
of them], and are seen by [recipients]. No decision about you is based on them alone.

You need not take part: [how to avoid it]. You have the right to be told what is known of you, to have it corrected or \
deleted, to object, and to complain to [supervisory authority]. Ask [contact, data protection officer]."""
"""A text for the people who are shown to the service; the operator fills in the parts in brackets."""
