"""The card's word on the raters of `train` and of `valid`."""

from typing import Any

from training.common.markdown import percent, table

Report = dict[str, Any]


def who_voted(measured: Report) -> str:
    found = measured["raters"]
    rows = (
        (name, *(percent(shares[key]) for key in ("train", "valid", "expected")))
        for name, shares in found["emotions"].items()
    )
    together = found["unanimous"]
    parts = together["parts_of_train"]
    worth = found["worth"]
    plain, lowest = measured["protocol_a"], measured["protocol_a"]["kl_nats_lowest"]
    return f"""
## Who voted

The votes of `valid` seem to be other people's than those of `train`: all ten raters agree on
{percent(together["valid"])} % of its faces, against {percent(together["train"])} % of all of `train` and
{percent(min(parts))} to {percent(max(parts))} % of each of {len(parts)} parts of it in FER+'s order. Share of the
votes, %, and what the net expects on `valid` (temperature 1), having learned from the raters of `train`:

{table(("emotion", "votes in train", "votes in valid", "expected on valid"), rows)}

How much of the distance is who voted: with a bias for each emotion, fitted to the votes of one half of `valid` and
judged on the other (Alexandari et al. 2020, arXiv:1901.06852), protocol A would be **{percent(found["protocol_a"])} %**
instead of {percent(plain["accuracy"])} %, protocol B {percent(found["protocol_b"])} % instead of
{percent(measured["protocol_b"]["accuracy"])} %, and the divergence {found["kl_nats_lowest"]:.3f} instead of
{lowest:.3f} nats, each at its best temperature. **The file does not have these biases**: they would suit the raters of
`valid`, and whose habits the next raters have is not known. Whoever has votes of their own people can fit such biases
to them (`training/emotion/raters.py`).

What the net's word is worth: **as much as {worth["raters"]:.0f} raters** of the crowd, found by foretelling each vote
on {worth["faces"]:,} faces of `valid` from the others on the same face. Nats a vote: by the other raters (about nine,
with the usual shares for what they leave open) {worth["nats_of_other_raters"]:.3f}, by the net alone
{worth["nats_of_net"]:.3f}, by both {worth["nats_of_both"]:.3f} (`training/emotion/worth.py`; lower is better). The net
is {worth["net_ahead_nats"]:.3f} ahead of the other raters, standard error {worth["net_ahead_error"]:.3f} over faces."""
