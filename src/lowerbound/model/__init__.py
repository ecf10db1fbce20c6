"""The declaration: p and q as graphs of names, and the plan that follows from them.

Read `_joint.py` for the grammar, `_graph.py` for what p and q are together, `_plan.py` for what happens to each
latent, and `_scope.py` for how one datum is evaluated.
"""

from lowerbound.model._describe import describe, leaves
from lowerbound.model._errors import CapturedParameterError
from lowerbound.model._factor import KEY, Factor, Parent, function_factor, given
from lowerbound.model._graph import Graph
from lowerbound.model._joint import Joint
from lowerbound.model._noise import Noise, draw_noise, latent_noise_shapes
from lowerbound.model._parameter import Fixed, Input, Param, Parameter
from lowerbound.model._plan import (
    MAX_STATES,
    Gradient,
    LatentPlan,
    Plan,
    Term,
    TermKind,
    Treatment,
    default_observed,
    density,
    make_plan,
)
from lowerbound.model._realize import Realized, parameter_noise_shapes, realize
from lowerbound.model._scope import Scope
from lowerbound.model._trace import trace
from lowerbound.model._vae import VAE

__all__ = [
    "KEY",
    "MAX_STATES",
    "VAE",
    "CapturedParameterError",
    "Factor",
    "Fixed",
    "Gradient",
    "Graph",
    "Input",
    "Joint",
    "LatentPlan",
    "Noise",
    "Param",
    "Parameter",
    "Parent",
    "Plan",
    "Realized",
    "Scope",
    "Term",
    "TermKind",
    "Treatment",
    "default_observed",
    "density",
    "describe",
    "draw_noise",
    "function_factor",
    "given",
    "latent_noise_shapes",
    "leaves",
    "make_plan",
    "parameter_noise_shapes",
    "realize",
    "trace",
]
