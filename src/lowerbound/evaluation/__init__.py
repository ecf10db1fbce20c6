"""Evaluation: numbers with a unit, a side and an error; what latents are and are used for; draws of a trained model."""

from lowerbound.evaluation._decode import decode
from lowerbound.evaluation._encode import encode
from lowerbound.evaluation._estimate import Estimate
from lowerbound.evaluation._evaluate import PARAMETER_DRAWS, evaluate
from lowerbound.evaluation._independent import independent
from lowerbound.evaluation._reconstruct import reconstruct
from lowerbound.evaluation._sample import sample
from lowerbound.evaluation._use import ACTIVE, LatentUse, use_of_latents

__all__ = [
    "ACTIVE",
    "PARAMETER_DRAWS",
    "Estimate",
    "LatentUse",
    "decode",
    "encode",
    "evaluate",
    "independent",
    "reconstruct",
    "sample",
    "use_of_latents",
]
