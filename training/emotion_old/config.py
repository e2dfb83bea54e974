"""How a net of the emotion model is trained."""

from dataclasses import dataclass, field

from training.emotion.augment import AugmentConfig
from training.emotion.mixing import MixConfig
from training.emotion.model import DROPOUT


@dataclass(frozen=True)
class TrainConfig:
    """Everything that a run depends on, besides the data and the code."""

    shape: str
    epochs: int
    seed: int = 0
    batch: int = 128
    peak_rate: float = 0.1
    warmup_epochs: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    dropout: float = DROPOUT
    uphill: float = 0.0  # radius of sharpness-aware steps, which take two passes; 0: plain ones
    fer2013_weight: float = 0.5
    ema: float = 0.999
    rare_power: float = 0.25  # a face weighs as its classes' frequency to minus this: rare emotions are heard
    small_side: int = 36  # px; the early epochs see smaller pictures, which cost (36 / 48)^2 as much
    small_share: float = 0.5  # of the epochs
    calm_share: float = 0.2  # of the epochs, the last: views as photographs are, without the wilder changes
    teacher_share: float = 0.6  # of the target, where there are teachers; the rest is the votes
    teachers_at_once: int = 0  # that are asked about a batch, another choice each time; 0: all of them
    keep_twins: bool = True  # of valid faces; False leaves out those that correlate more than `twin_threshold`
    twin_threshold: float = 0.95
    left_out: str = ""  # fold K of N, as K/N, that this net must not see, since it is to speak of it; empty: none
    unlabelled: bool = False  # learn from the teachers on the photographs' faces too
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    mix: MixConfig = field(default_factory=MixConfig)  # not in the calm epochs
