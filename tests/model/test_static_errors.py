"""Every mistake in a declaration is refused before anything runs, in one sentence with the cure."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lowerbound as lb
from lowerbound.dist import Bernoulli, Categorical, Gamma, Laplace, LogNormal, Normal, Poisson, positive, unit_interval
from lowerbound.model import make_plan
from lowerbound.nn import MLP, Gaussian
from lowerbound.objective import ELBO, IWAE

KEY = jax.random.key(0)
PRIOR = Normal(np.zeros(2, np.float32), 1.0)


def vae(p, q=None):
    return lb.VAE(lb.Joint(p), lb.Joint(q or {}), key=KEY)


def plain(**changes):
    """The plain VAE's declaration, with some names declared otherwise (q's begin with q_)."""
    p = {"z": PRIOR, "x": lambda z, theta: Bernoulli(logits=theta(z)), "theta": MLP(2, 5, hidden=(3,))}
    q = {"z": lambda x, phi: Normal(*phi(x)), "phi": Gaussian(5, 2, hidden=(3,))}
    for name, declared in changes.items():
        side, name = (q, name[2:]) if name.startswith("q_") else (p, name)
        if declared is None:
            del side[name]
        else:
            side[name] = declared
    return p, q


def refusal(build, kind: type[Exception] = ValueError) -> str:
    with pytest.raises(kind) as caught:
        build()
    return str(caught.value)


def planned(model, names, how=None):
    return make_plan(model.graph, names, how or ELBO())


# Names.


def test_a_cycle_is_refused():
    message = refusal(lambda: lb.Joint(a=lambda b: Normal(b, 1.0), b=lambda c: Normal(c, 1.0), c=lambda a: a))
    assert message == (
        "The names form a cycle: a -> c -> b -> a. A directed graphical model has none: drop one of these parents."
    )


def test_a_cycle_through_both_joints_is_refused():
    """A prior may read q's values, but not those of x: then p(x, z) would be no density."""
    p, q = plain(z=lambda h: Normal(h, 1.0), q_h=lambda x, phi: phi(x)[0])
    assert refusal(lambda: vae(p, q)) == (
        "The names form a cycle: h -> z -> x -> h. A directed graphical model has none: drop one of these parents."
    )


def test_a_cycle_in_q_is_refused():
    p = {"a": PRIOR, "b": PRIOR, "x": lambda a, b: Normal(a + b, 1.0)}
    q = {"a": lambda b: Normal(b, 1.0), "b": lambda a, x: Normal(a + x, 1.0)}
    assert refusal(lambda: vae(p, q)) == (
        "The names form a cycle: a -> b -> a. A directed graphical model has none: drop one of these parents."
    )


def test_an_unknown_name_is_refused_with_the_likeliest():
    p, q = plain(x=lambda z, theat: Bernoulli(logits=theat(z)))
    assert refusal(lambda: vae(p, q)) == (
        "`x` in p names `theat`, which neither p nor q declares. Did you mean `theta`?"
    )


def test_one_name_for_two_parameters_is_refused():
    p, q = plain(q_phi=None, q_theta=Gaussian(5, 2), q_z=lambda x, theta: Normal(*theta(x)))
    assert refusal(lambda: vae(p, q)) == (
        "`theta` is bound to two things, one in p and one in q, which share one scope. Declare it once, or rename one "
        "of them."
    )


def test_one_name_for_two_deterministic_values_is_refused():
    p, q = plain(
        h=lambda z: 2 * z,
        x=lambda h, theta: Bernoulli(logits=theta(h)),
        q_h=lambda x: x,
        q_z=lambda h, phi: Normal(*phi(h)),
    )
    assert refusal(lambda: vae(p, q)) == (
        "`h` is bound to two things: a deterministic value in p and a factor in q. p and q share one scope: rename one "
        "of them."
    )


def test_one_name_for_a_variable_and_a_value_is_refused():
    p, q = plain(q_z=lambda x, phi: phi(x)[0])
    assert refusal(lambda: vae(p, q)) == (
        "`z` is bound to two things: a random variable in p and a deterministic value in q. Return a distribution in "
        "q, or rename one of them."
    )


def test_one_name_for_a_parameter_and_a_factor_is_refused():
    p, q = plain(q_theta=lambda phi: Normal(0.0, 1.0))
    assert refusal(lambda: vae(p, q)) == (
        "`theta` is bound to two things: a parameter in p and a factor in q. Give it a prior in p, "
        "`Param(..., prior=...)`, for q to be its posterior, or rename one of them."
    )


def test_a_name_twice_in_one_joint_is_refused():
    assert refusal(lambda: lb.Joint({"z": PRIOR}, z=PRIOR)) == (
        "`z` is bound to two things in one `Joint`. Rename one of them."
    )


def test_key_is_reserved():
    assert refusal(lambda: lb.Joint(key=PRIOR)) == (
        "`key` cannot name a variable: a parent called `key` asks for randomness in training. Rename it."
    )


def test_sharing_one_object_is_one_meaning():
    shared = MLP(2, 5, hidden=(3,))
    p, q = plain(theta=shared, q_theta=shared)
    assert set(vae(p, q).free) == {"theta", "phi"}


# Random variables.


def test_a_variable_without_a_density_in_p_is_refused():
    p, q = plain(q_w=lambda x, phi: Normal(*phi(x)))
    assert refusal(lambda: vae(p, q)) == (
        "`w` is random in q, but p gives it no density, so the bound is void. Declare `w` in p too, or return a value "
        "instead of a distribution."
    )


@pytest.mark.parametrize(
    ("network", "prior", "message"),
    [
        (
            Gaussian(5, 16),
            Normal(np.zeros(20, np.float32), 1.0),
            "`z` in q has event shape (16,), but p declares (20,). Give `phi` 20 outputs, or p's `z` 16 outputs.",
        ),
        (
            Gaussian(5, 1),
            Normal(0.0, 1.0),
            "`z` in q has event shape (1,), but p declares (). Give `phi` shape (), or p's `z` 1 outputs.",
        ),
    ],
)
def test_event_shapes_that_differ_are_refused(network, prior, message):
    p, q = plain(
        z=prior, x=lambda z, theta: Bernoulli(logits=theta(z)), theta=MLP(prior.shape() or 1, 5), q_phi=network
    )
    assert refusal(lambda: vae(p, q)) == message


def test_a_posterior_outside_of_the_prior_is_refused():
    p, q = plain(z=LogNormal(np.zeros(2, np.float32), 1.0))
    message = refusal(lambda: vae(p, q))
    assert message == (
        "`z` in q is a Normal with support Real(), but p's LogNormal has support Positive(lower_bound=0.0): draws of q "
        "would have no density in p. Give both the same support."
    )


def test_a_mass_is_no_relaxation():
    """KL between a relaxed q and a discrete p is no bound."""
    p, q = plain(z=Bernoulli(np.zeros(2, np.float32)))
    assert "draws of q would have no density in p" in refusal(lambda: vae(p, q))


def test_a_posterior_over_fewer_states_is_refused():
    """Inside the log of a weight the sum runs over q's states: with too few of them part of p(x) would be missing."""
    p, q = plain(
        z=Categorical(logits=np.zeros(4, np.float32)),
        theta=MLP(1, 5),
        q_z=lambda x, phi: Categorical(logits=phi(x)),
        q_phi=MLP(5, 3),
    )
    assert refusal(lambda: vae(p, q)) == (
        "`z` in q has 3 states, but p declares 4: a sum over q's would leave out some of p's. Give both the same "
        "states."
    )


def test_a_distribution_out_of_vmap_is_refused():
    p, q = plain(x=lambda z, theta: jax.vmap(lambda m: Normal(m, 1.0))(theta(z)))
    assert refusal(lambda: vae(p, q)) == (
        "`x` is a distribution that came out of `vmap`, whose draws would all share one noise. Map over the parameters "
        "instead, or write `mixture(f, u, ...)` for a mixture over `u`."
    )


class Foreign:
    """A distribution of some other library, by its looks."""

    def log_prob(self, value):
        return value

    def sample(self, seed):
        return seed


Foreign.__module__ = "elsewhere"


def test_a_foreign_distribution_is_refused():
    cure = "Use those of `lowerbound.dist`, which are NumPyro's and those that it lacks."
    assert refusal(lambda: lb.Joint(z=Foreign())) == (
        f"`z` is a elsewhere.Foreign, a distribution of another library. {cure}"
    )


def test_a_foreign_distribution_from_a_factor_is_refused():
    p, q = plain(x=lambda z: Foreign(), theta=None)
    assert refusal(lambda: vae(p, q)) == (
        "`x` returns a elsewhere.Foreign, a distribution of another library. Use those of `lowerbound.dist`, which are "
        "NumPyro's and those that it lacks."
    )


def test_a_likelihood_that_returns_no_distribution_is_refused():
    p, q = plain(x=lambda z, theta: theta(z))
    assert refusal(lambda: vae(p, q)) == (
        "`x` in p returns an array, no distribution, so it is a value of `z` and q cannot condition `z` on it. Return "
        "a distribution, such as `Bernoulli(logits=...)`."
    )


def test_infinitely_many_states_against_a_few_are_refused():
    p, q = plain(
        z=Poisson(3.0),
        theta=MLP(1, 5),
        q_z=lambda x, phi: Categorical(logits=phi(x)),
        q_phi=MLP(5, 3),
    )
    assert refusal(lambda: vae(p, q)) == (
        "`z` in q has 3 states, but p declares infinitely many: a sum over q's would leave out some of p's. Give both "
        "the same states."
    )


# What would silently not train.


@pytest.mark.parametrize("number", [0.0, 1])
def test_a_python_number_is_refused(number):
    assert refusal(lambda: lb.Joint(s=number)) == (
        f"`s` is the Python number {number!r}, which would silently not train. Write `Param({float(number)!r})` for a "
        f"parameter or `Fixed({number!r})` for a constant."
    )


def test_an_integer_array_is_refused():
    assert refusal(lambda: lb.Joint(s=jnp.arange(3))) == (
        "`s` is an array of int32, which no gradient trains. Give it a floating dtype, or write `Fixed(...)` for a "
        "constant."
    )


def test_something_else_is_refused():
    assert refusal(lambda: lb.Joint(s="bce")) == (
        "`s` is of type str; a distribution, a function of its parents, a network, or an array was needed."
    )


DECODER = MLP(2, 5, hidden=(3,)).make(key=KEY)
WEIGHT = jnp.ones((2, 5))


def through_a_helper(z):
    return Bernoulli(logits=helper(z))


def helper(z):
    return DECODER(z)


@jax.jit
def logits_in_jit(z):
    return DECODER(z)


def capturing_factors():
    decoder = DECODER
    return {
        "closure": lambda z: Bernoulli(logits=decoder(z)),
        "global": lambda z: Bernoulli(logits=DECODER(z)),
        "helper": through_a_helper,
        "jit": jax.jit(lambda z: Bernoulli(logits=DECODER(z))),
        "nested jit": lambda z: Bernoulli(logits=jax.jit(logits_in_jit)(z)),
        "filter_jit": eqx.filter_jit(lambda z: Bernoulli(logits=DECODER(z))),
        "scan": lambda z: Bernoulli(logits=jax.lax.scan(lambda c, _: (c, DECODER(c)), z, None, length=1)[1][0]),
        "array": lambda z: Bernoulli(logits=z @ WEIGHT),
    }


@pytest.mark.parametrize("way", list(capturing_factors()))
def test_a_captured_network_is_refused(way):
    p, q = plain(x=capturing_factors()[way], theta=None)
    message = refusal(lambda: vae(p, q), lb.CapturedParameterError)
    assert message.startswith("`x` uses ")
    assert "without naming it, so it would never be trained." in message


def test_the_captured_network_is_named():
    p, q = plain(x=lambda z: Bernoulli(logits=DECODER(z)), theta=None)
    assert refusal(lambda: vae(p, q), lb.CapturedParameterError) == (
        "`x` uses the network `DECODER` without naming it, so it would never be trained. Write "
        "`lambda z, DECODER: ...`."
    )


def test_a_captured_blueprint_is_named():
    blueprint = MLP(2, 5)
    p, q = plain(x=lambda z: Bernoulli(logits=blueprint(z)), theta=None)
    assert refusal(lambda: vae(p, q), lb.CapturedParameterError) == (
        "`x` uses the network `blueprint` without naming it, so it would never be trained. Write "
        "`lambda z, blueprint: ...`."
    )


def test_the_branch_without_an_optional_parent_captures_nothing_either():
    other = Gaussian(5, 2).make(key=KEY)
    p, q = plain(
        s=lb.Input(),
        x=lambda z, theta, s=None: Bernoulli(logits=theta(z)),
        q_z=lambda x, phi, s=None: Normal(*other(x)) if s is None else Normal(*phi(x)),
    )
    model = vae(p, q)
    planned(model, ["x", "s"])
    assert (
        refusal(lambda: planned(model, ["x"]), lb.CapturedParameterError)
        == (
            "`z` uses the network `other` without naming it, so it would never be trained. Write "
            "`lambda x, phi, s, other: ...`. "
        ).strip()
    )


def test_an_optional_parent_may_not_change_the_family():
    p, q = plain(
        s=lb.Input(),
        x=lambda z, theta, s=None: Bernoulli(logits=theta(z)),
        q_z=lambda x, phi, s=None: Laplace(*phi(x)) if s is None else Normal(*phi(x)),
    )
    assert refusal(lambda: planned(vae(p, q), ["x"])) == (
        "`z` in q is a Normal of shape (2,) with `s`, but without a Laplace. Return the same family and shape in both "
        "cases."
    )


@pytest.mark.parametrize("default", [DECODER, WEIGHT, MLP(2, 5)], ids=["module", "array", "blueprint"])
def test_a_network_as_default_argument_is_refused(default):
    assert refusal(lambda: lb.Joint(x=lambda z, net=default: net(z)), lb.CapturedParameterError) == (
        "`x` binds `net` as a default argument, so it would never be trained. Declare it as a parameter and drop the "
        "default: `lambda ..., net: ...`."
    )


def test_a_network_bound_by_partial_is_refused():
    def likelihood(z, net):
        return Bernoulli(logits=net(z))

    build = functools.partial(lb.Joint, x=functools.partial(likelihood, net=DECODER))
    assert refusal(build, lb.CapturedParameterError).startswith("`x` binds `net` as a default argument")


def test_constants_are_left_alone():
    """Literals and NumPy arrays are no weights, also inside of `jit`; nor is a loop variable as default."""
    shift = np.ones(5, np.float32)
    p, q = plain(
        x=lambda z, theta, scale=2.0: Bernoulli(
            logits=scale * jax.jit(lambda u: theta(u) + shift + jnp.array([1.0, 2, 3, 4, 5]))(z)
        )
    )
    assert set(vae(p, q).free) == {"theta", "phi"}


def test_unused_parameters_and_inputs_are_refused():
    p, q = plain(extra=jnp.ones(3))
    assert refusal(lambda: vae(p, q)) == (
        "Nothing uses the parameter `extra`. Name it in a factor's signature, or drop it."
    )
    p, q = plain(s=lb.Input(3))
    assert refusal(lambda: vae(p, q)) == "Nothing uses the input `s`. Name it in a factor's signature, or drop it."


def test_a_network_in_place_of_a_factor_is_refused():
    """`x=MLP(...)` reads as a parameter named x: the likelihood would vanish and the ELBO be -KL."""
    p, q = plain(x=MLP(2, 5), theta=None, q_z=lambda phi: Normal(*phi(jnp.zeros(5))))
    assert refusal(lambda: vae(p, q)) == (
        "Nothing uses the parameter `x`. If the network is meant as a factor, write `x=given(network, ...)` with its "
        "parents' names; else name it in a factor's signature, or drop it."
    )
    p, q = plain(x=MLP(2, 5), theta=None, q_z=lambda x, phi: Normal(*phi(jnp.zeros(5))))
    model = vae(p, q)
    assert refusal(lambda: planned(model, ["x"])) == (
        "`x` is bound to two things: the data name it, but it is declared as a parameter. For a network used as a "
        "factor write `x=given(network, ...)`."
    )


@pytest.mark.parametrize(
    ("function", "shown"), [(lambda *zs: Normal(zs[0], 1.0), "*zs"), (lambda **zs: Normal(0.0, 1.0), "**zs")]
)
def test_parents_without_names_are_refused(function, shown):
    assert refusal(lambda: lb.Joint(x=function)) == (
        f"`x` takes `{shown}`, but a signature is a set of parents and each must have its name. Write them out, or "
        f"name them with `given(f, ...)`."
    )


def test_given_refuses_what_the_function_does_not_take():
    f = lambda z, net: Normal(*net(z))
    assert refusal(lambda: lb.Joint(x=lb.given(f, h="z1"))) == (
        "`given` names `h` for `x`, but its function has the parameters: `z`, `net`."
    )
    assert refusal(lambda: lb.Joint(x=lb.given(f, "a", "b", "c"))) == (
        "`given` names 3 parents by position for `x`, but its function takes 2."
    )


def test_batch_normalisation_is_refused_by_name():
    layer = eqx.nn.BatchNorm(3, axis_name="batch", mode="ema")
    assert refusal(lambda: lb.Joint(net=layer)) == (
        "`net` holds a BatchNorm, which couples the rows of a batch; a factor is written for one datum. Use "
        "`eqx.nn.LayerNorm`, `eqx.nn.GroupNorm`, or `MLP(..., layer_norm=True)`."
    )


# Constraints and priors.


@pytest.mark.parametrize(
    ("value", "support", "shown"),
    [(0.0, positive, "0."), (-1.0, positive, "-1."), (np.zeros(2), unit_interval, "[0. 0.]")],
)
def test_a_value_on_the_border_is_refused(value, support, shown):
    name = {"positive": "Positive", "unit_interval": "UnitInterval"}[
        "positive" if support is positive else "unit_interval"
    ]
    assert refusal(lambda: lb.Joint(s=lb.Param(value, support=support))) == (
        f"`s` starts at {shown}, which does not lie strictly inside its support {name}: it could not move from there. "
        f"Start it in the interior."
    )


def test_support_and_prior_together_are_refused():
    assert refusal(lambda: lb.Param(1.0, support=positive, prior=Gamma(2.0, 2.0))) == (
        "`Param` takes `support` or `prior`, not both: a random parameter's support is its prior's. Drop `support`."
    )


def test_a_prior_that_is_no_distribution_is_refused():
    assert refusal(lambda: lb.Joint(s=lb.Param(1.0, prior=2.0))) == (
        "The prior of `s` is of type float; a distribution was needed, or a function of parameters that returns one."
    )
    p, q = plain(theta=lb.Param(MLP(2, 5), prior=lambda tau: tau), tau=jnp.ones(()))
    assert refusal(lambda: vae(p, q)) == (
        "The prior of `theta` returns a ShapeDtypeStruct; a distribution was needed, such as `Normal(0.0, 1.0)`."
    )


def test_a_prior_inside_of_the_plate_is_refused():
    p, q = plain(theta=lb.Param(MLP(2, 5), prior=lambda z: Normal(0.0, 1.0)))
    assert refusal(lambda: vae(p, q)) == (
        "The prior of the parameter `theta` names `z`, which lives inside the plate, once for each datum. It may name "
        "parameters only."
    )


@pytest.mark.parametrize(
    ("posterior", "message"),
    [
        (
            lambda loc: Normal(loc, 1.0),
            "`tau` in q is a Normal with support Real(), but its prior, Gamma, has support Positive(lower_bound=0.0): "
            "draws of q would have no density in p. Give both the same support.",
        ),
        (
            lambda loc: lb.mixture(lambda m: LogNormal(m + loc, 0.1), np.array([-1.0, 1.0], np.float32)),
            "The posterior of the parameter `tau` is a Mixture, whose draws have no pathwise gradient. Declare one "
            "that has, such as a Normal, or leave `tau` out of q for a mean field.",
        ),
    ],
)
def test_a_posterior_that_does_not_fit_its_parameter_is_refused(posterior, message):
    p, q = plain(
        tau=lb.Param(1.0, prior=Gamma(2.0, 2.0)),
        x=lambda z, theta, tau: Bernoulli(logits=tau * theta(z)),
        q_tau=posterior,
        q_loc=jnp.zeros(()),
    )
    assert refusal(lambda: vae(p, q)) == message


@pytest.mark.parametrize(
    ("value", "support", "got"), [(1.0, "positive", "`'positive'`"), (MLP(2, 5), positive, "a network")]
)
def test_a_support_that_is_none_is_refused(value, support, got):
    assert refusal(lambda: lb.Joint(s=lb.Param(value, support=support))) == (
        f"`s` has a support, but got {got}: an array and a constraint were needed, such as "
        f"`Param(1.0, support=positive)` with `positive` of `lowerbound.dist`."
    )


def test_a_random_parameter_of_q_is_refused():
    p, q = plain(q_phi=lb.Param(Gaussian(5, 2), prior=Normal(0.0, 1.0)))
    assert refusal(lambda: vae(p, q)) == (
        "`phi` has a prior, but it is declared in q; only p's parameters can be random. Declare it in p, or drop the "
        "prior."
    )


# The whole.


def test_an_error_inside_a_factor_says_where_it_came_from():
    p, q = plain(x=lambda z, theta: Bernoulli(logits=theta(z) + jnp.zeros(4)))
    with pytest.raises(TypeError) as caught:
        vae(p, q)
    assert "This came from the factor `x` (lambda)." in caught.value.__notes__


# When an objective is planned.


def test_a_data_name_that_nobody_declares_is_refused():
    assert refusal(lambda: planned(vae(*plain()), ["x", "labels"])) == (
        "The data name `labels`, which nobody declares; declared are `z`, `x`. Declare it, or leave it out: "
        "`data.only(...)`."
    )
    p, q = plain(
        pixels=lambda z, theta: Bernoulli(logits=theta(z)), x=None, q_z=lambda pixels, phi: Normal(*phi(pixels))
    )
    assert refusal(lambda: planned(vae(p, q), ["pixel"])) == (
        "The data name `pixel`, which nobody declares; declared are `z`, `pixels`. Did you mean `pixels`?"
    )


def test_data_for_a_deterministic_value_are_refused():
    p, q = plain(h=lambda z: 2 * z, x=lambda h, theta: Bernoulli(logits=theta(h)))
    assert refusal(lambda: planned(vae(p, q), ["x", "h"])) == (
        "The data name `h`, which is a deterministic value and has no density. Leave it out of the data, or declare it "
        "as `Input(...)`."
    )


def test_a_latent_that_nobody_can_integrate_is_refused():
    p, q = plain(w=Normal(0.0, 1.0), x=lambda z, w, theta: Bernoulli(logits=w * theta(z)))
    model = vae(p, q)
    for how in (ELBO(), IWAE(5)):
        assert refusal(lambda how=how: planned(model, ["x"], how)) == (
            "`w` is latent, but q does not infer it, and a Normal is not finite, so it cannot be summed out. Give q a "
            "factor for `w`, or pass it with the data."
        )
    p, q = plain(w=Poisson(3.0), x=lambda z, w, theta: Bernoulli(logits=w * theta(z)))
    assert "a Poisson is not finite" in refusal(lambda: planned(vae(p, q), ["x"]))


def test_q_may_not_condition_on_a_latent_that_it_does_not_infer():
    p, q = plain(
        y=Categorical(logits=np.zeros(3, np.float32)),
        x=lambda y, z, theta: Bernoulli(logits=y * theta(z)),
        q_z=lambda x, y, phi: Normal(y + phi(x)[0], 1.0),
    )
    model = vae(p, q)
    assert planned(model, ["x", "y"]).observed == ("x", "y") or planned(model, ["x", "y"]).observed == ("y", "x")
    assert refusal(lambda: planned(model, ["x"])) == (
        "`z` in q conditions on `y`, which is latent here and which q does not infer. Give q a factor for `y`, or pass "
        "it with the data."
    )


def test_a_missing_input_is_refused():
    p, q = plain(s=lb.Input(), x=lambda z, s, theta: Bernoulli(logits=s * theta(z)))
    assert refusal(lambda: planned(vae(p, q), ["x"])) == (
        "`x` needs the input `s`, which the data do not name. Pass `s` with each datum, or make it optional: `s=None` "
        "in the signature."
    )


def test_too_many_states_are_refused():
    p, q = plain(
        z=Categorical(logits=np.zeros((6, 5), np.float32)),
        x=lambda z, theta: Bernoulli(logits=theta(z)),
        theta=MLP(6, 5),
        q_z=lambda x, phi: Categorical(logits=phi(x)),
        q_phi=MLP(5, (6, 5)),
    )
    assert refusal(lambda: planned(vae(p, q), ["x"])) == (
        "`z` have 15,625 joint states, above the 10,000 that are enumerated. Use fewer or smaller finite latents, or a "
        "relaxed distribution."
    )
