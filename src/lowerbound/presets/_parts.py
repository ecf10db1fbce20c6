"""What the data and their likelihood put into a `model.py`, whichever the preset."""

from dataclasses import dataclass
from math import prod

from lowerbound.presets._likelihood import Likelihood


@dataclass(frozen=True)
class Parts:
    """The lines and expressions about x.

    Attributes:
        shape: The shape of one row.
        likelihood: What p(x | z) is for each entry.
        masked: Whether `m` tells the observed entries.
        is_picture: Whether networks take and give pictures, channels last.
    """

    shape: tuple[int, ...]
    likelihood: Likelihood
    masked: bool
    is_picture: bool

    # The likelihood.

    @property
    def values(self) -> str:
        """Say what the entries are."""
        low, high = self.likelihood.low, self.likelihood.high
        return {
            "bernoulli": "bits",
            "negative-binomial": "counts",
            "normal": "real numbers, best standardised",
        }.get(self.likelihood.word, f"whole numbers from {low} to {high}")

    @property
    def reason(self) -> str:
        """Say in a comment what the likelihood is, and why it is written so."""
        high = self.likelihood.high
        scale = "one scale for all of x" if len(self.shape) > 1 else "a scale for each entry"
        reasons = {
            "bernoulli": "A Bernoulli for each entry, by its log-odds, so that no probability can round to 0 or 1.",
            "beta-binomial": f"A beta-binomial on 0..{high}, by two numbers below e^8, so both ends can be likely.",
            "logistic": "A logistic for each entry, cut into bins, which makes it a mass: see below.",
            "negative-binomial": "A negative binomial: mean mu, bent to stay below e^20, and variance mu + mu^2 / r.",
            "normal": f"A Normal with {scale}, trained above a floor, without which a density can grow without end.",
        }
        return f"# {reasons[self.likelihood.word]}"

    def factor(self, latents: str, net: str) -> str:
        """Write p(x | latents), given the call of the decoder."""
        word, high = self.likelihood.word, self.likelihood.high
        if word == "bernoulli":
            parameter, law = "", f"Bernoulli(logits={self._one(net)})"
        elif word == "beta-binomial":
            parameter, law = "", f"BetaBinomial({self._two(f'jnp.exp(8 * jnp.tanh({net} / 8))')}, {high})"
        elif word == "logistic":
            parameter, law = "", f"logistic({self._two(net)})"
        elif word == "negative-binomial":
            parameter, law = ", r", f"NegativeBinomial2(jnp.exp(20 * jnp.tanh({self._one(net)} / 20)), r)"
        else:
            parameter, law = ", sigma", f"Normal({self._one(net)}, sigma)"
        network = net.partition("(")[0]
        if self.masked:
            return f"x=lambda {latents}, m, {network}{parameter}: {law}.mask(m),"
        return f"x=lambda {latents}, {network}{parameter}: {law},"

    def _one(self, net: str) -> str:
        """Write the decoder's output as one array of the shape of x; a picture without channels drops their axis."""
        return f"{net}[..., 0]" if self.is_picture and len(self.shape) == 2 else net

    def _two(self, output: str) -> str:
        """Write the decoder's output as two arguments of the shape of x."""
        if not self.is_picture:
            return f"*{output}"
        return f"*jnp.moveaxis({output}, -1, 0)" if len(self.shape) == 2 else f"*jnp.split({output}, 2, axis=-1)"

    @property
    def parameter(self) -> str:
        """Declare the likelihood's own parameter, or nothing."""
        ones = "1.0" if self.shape == () else f"jnp.ones({size(self.shape)})"
        if self.likelihood.word == "negative-binomial":
            # At r = 1e4 it is close to a Poisson; from there on float32 loses digits of its log-gammas.
            return f"r=lb.Param({ones}, support=interval(1e-3, 1e4)),"
        if self.likelihood.word == "normal":
            return f"sigma=lb.Param({'1.0' if len(self.shape) > 1 else ones}, support=greater_than(1e-3)),"
        return ""

    @property
    def helper(self) -> str:
        """Define the function that `factor` calls, or nothing."""
        if self.likelihood.word != "logistic":
            return ""
        centre, half = self._centre_and_half
        loc = f"{centre} + {half} * loc" if centre != "0" else f"{half} * loc"
        return f'''

def logistic(loc, log_scale):
    """Return p(x | z), with location and scale in units of half the range (Salimans et al. 2017, PixelCNN++)."""
    # The floor keeps the scale above 0 where an entry hardly varies.
    scale = jnp.exp(jnp.maximum(log_scale, -7.0))
    return DiscretizedLogistic({loc}, {half} * scale, {self.likelihood.low}, {self.likelihood.high})
'''

    @property
    def _centre_and_half(self) -> tuple[str, str]:
        low, high = self.likelihood.low, self.likelihood.high
        return f"{(low + high) / 2:.10g}", f"{(high - low) / 2:.10g}"

    # What networks take and give.

    @property
    def mask(self) -> str:
        """Declare the mask, or nothing."""
        return f"m=lb.Input({size(self.shape)}, bool)," if self.masked else ""

    @property
    def observed(self) -> str:
        """Name what an encoder reads."""
        return "x, m" if self.masked else "x"

    @property
    def seen(self) -> str:
        """Write what an encoder takes: x on a scale of about 1, and the mask."""
        centre, half = self._centre_and_half
        x = {
            "beta-binomial": f"x / {self.likelihood.high}",
            "logistic": f"(x - {centre}) / {half}".replace("- -", "+ ") if centre != "0" else f"x / {half}",
            "negative-binomial": "jnp.log1p(x)",
        }.get(self.likelihood.word, "x")
        if not self.masked:
            return x
        if not self.is_picture:
            return f"{x}, m"
        return f"jnp.stack([{x}, m], axis=-1)" if len(self.shape) == 2 else f"jnp.concatenate([{x}, m], axis=-1)"

    @property
    def decoded(self) -> str:
        """Write the shape of a decoder's output: one number for an entry of x, or two."""
        count = self.likelihood.num_outputs
        if self.is_picture:
            return f"{self._picture(count)}"
        return f"{(2, *self.shape)}" if count == 2 else size(self.shape)

    def encoded(self, *beside: int) -> str:
        """Write the size of an encoder's input: x, its mask, and what stands beside them."""
        if self.is_picture:
            return f"{self._picture(1 + self.masked)}"
        if not beside:
            return f"{(2, *self.shape)}" if self.masked else size(self.shape)
        entries = f"2 * {prod(self.shape)}" if self.masked else f"{prod(self.shape)}"
        return " + ".join([entries, *(str(number) for number in beside)])

    def _picture(self, times: int) -> tuple[int, ...]:
        height, width, *channels = self.shape
        return height, width, times * prod(channels)


def size(shape: tuple[int, ...]) -> str:
    """Write a shape as one number where it has one axis."""
    return f"{shape[0]}" if len(shape) == 1 else f"{shape}"
