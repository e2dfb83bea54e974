"""What the programs that train have in common on their command lines."""

import argparse
from dataclasses import replace

from training.emotion.config import TrainConfig
from training.emotion.mixing import MixConfig


def add(parser: argparse.ArgumentParser) -> None:
    """The recipe's options."""
    parser.add_argument("--peak-rate", type=float, default=TrainConfig.peak_rate)
    parser.add_argument("--dropout", type=float, default=TrainConfig.dropout, help="of pooled features")
    parser.add_argument("--small-side", type=int, default=TrainConfig.small_side, help="px, of the early epochs' faces")
    parser.add_argument("--small-share", type=float, default=TrainConfig.small_share)
    parser.add_argument("--calm-share", type=float, default=TrainConfig.calm_share)
    parser.add_argument("--teacher-share", type=float, default=TrainConfig.teacher_share)
    parser.add_argument("--fer2013-weight", type=float, default=TrainConfig.fer2013_weight)
    parser.add_argument("--rare-power", type=float, default=TrainConfig.rare_power)
    parser.add_argument("--mix", type=float, default=MixConfig.chance, help="chance of mixup or CutMix, a batch")
    parser.add_argument("--ema", type=float, default=TrainConfig.ema, help="share of the average that a step keeps")


def chosen(options: argparse.Namespace, config: TrainConfig) -> TrainConfig:
    """`config` with the recipe that `options` ask for."""
    return replace(
        config,
        peak_rate=options.peak_rate,
        dropout=options.dropout,
        small_side=options.small_side,
        small_share=options.small_share,
        calm_share=options.calm_share,
        teacher_share=options.teacher_share,
        fer2013_weight=options.fer2013_weight,
        rare_power=options.rare_power,
        mix=MixConfig(chance=options.mix),
        ema=options.ema,
    )


def complaint(options: argparse.Namespace, *, taught: bool, needs_teachers: bool) -> str:
    """What is wrong with the share of teachers, or with faces of which nobody else speaks; empty where all is well."""
    if needs_teachers and not taught:
        return "faces without votes need a --teacher: nobody else says what they show"
    if taught and not 0 < options.teacher_share <= 1:
        return "--teacher-share must be above 0 and at most 1 where there are teachers"
    return ""
