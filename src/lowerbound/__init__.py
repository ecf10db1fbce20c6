"""Declare a latent-variable model once; train it, know its likelihood honestly, draw what you ran."""

import importlib
from typing import Any

from lowerbound._version import __version__

#: The names of the front door, and the part that holds each: they are imported when first asked for.
_PARTS = {
    "Data": "data",
    "digits": "data",
    "Joint": "model",
    "VAE": "model",
    "Param": "model",
    "Fixed": "model",
    "Input": "model",
    "given": "model",
    "CapturedParameterError": "model",
    "ELBO": "objective",
    "IWAE": "objective",
    "Penalty": "objective",
    "mixture": "dist",
    "fit": "training",
    "NonFiniteError": "training",
    "Estimate": "evaluation",
    "encode": "evaluation",
    "evaluate": "evaluation",
    "reconstruct": "evaluation",
    "sample": "evaluation",
    "explain": "drawing",
    "draw": "drawing",
}

__all__ = ["__version__", *_PARTS]


def __getattr__(name: str) -> Any:
    if name not in _PARTS:
        raise AttributeError(f"module 'lowerbound' has no attribute '{name}'")
    return getattr(importlib.import_module(f"lowerbound.{_PARTS[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
