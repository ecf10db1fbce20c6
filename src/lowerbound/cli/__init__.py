"""The command line: words in, one call for each part, words out."""

from lowerbound.cli._app import main

__all__ = ["main"]
