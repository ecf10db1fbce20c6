"""The error for weights that would silently stay as they are."""


class CapturedParameterError(ValueError):
    """A factor uses a network or an array that it does not name, so it would never be trained."""
