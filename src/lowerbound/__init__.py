"""Declare a latent-variable model once; train it, score it and draw it."""
