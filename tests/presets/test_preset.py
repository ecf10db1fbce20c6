"""The preset as data: default sizes, refusals, and the way through JSON."""

import json

import pytest

from lowerbound.presets import DEFAULTS, PRESETS, Likelihood, Preset

COUNTS = Likelihood("beta-binomial", 0, 16)
NAMES = "`mlp`, `conv`, `ladder`, `mixture`, `semisupervised`"


def test_default_sizes():
    assert set(DEFAULTS) == set(PRESETS)
    assert Preset.of("mlp", (64,), COUNTS) == Preset("mlp", (64,), COUNTS, (12,), (200,))
    assert Preset.of("mixture", (64,), COUNTS).components == 10
    assert Preset.of("ladder", (64,), COUNTS).latent == (12, 6)


@pytest.mark.parametrize(
    ("shape", "channels"),
    [((8, 8), (32,)), ((2, 2), (32,)), ((28, 28), (32, 64)), ((32, 32, 3), (32, 64, 128)), ((16, 400), (32, 64))],
)
def test_stages_follow_from_the_size_of_a_picture(shape, channels):
    assert Preset.of("conv", shape, COUNTS).hidden == channels


@pytest.mark.parametrize("name", PRESETS)
def test_there_and_back_through_json(name):
    likelihood = Likelihood("logistic", -3, 12, reason="because")
    preset = Preset.of(name, (8, 8), likelihood, classes=3 if name == "semisupervised" else 0, masked=True)
    saved = json.loads(json.dumps(preset.to_json()))
    assert "because" not in json.dumps(saved)
    assert Preset.from_json(saved) == preset
    assert Preset.from_json(saved).write() == preset.write()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "conv", "shape": (64,)},
            "`x` has rows of shape (64,), but conv needs rows of shape (height, width) or (height, width, channels); "
            "give their shape, `--shape 8x8`.",
        ),
        (
            {"name": "conv", "shape": (50,)},
            "`x` has rows of shape (50,), but conv needs rows of shape (height, width) or (height, width, channels); "
            "give their shape, `--shape 28x28`.",
        ),
        (
            {"name": "conv", "shape": (1, 8)},
            "`x` has pictures of 1 x 8, which no stage of conv can halve. Choose mlp.",
        ),
        (
            {"name": "conv", "shape": (4, 8), "hidden": (8, 8, 8)},
            "`hidden` has 3 stages, each of which halves the picture, but 4 x 8 can be halved 2 times. Give fewer, "
            "`--hidden 32,32`.",
        ),
        (
            {"name": "ladder", "latent": (12,)},
            "ladder has two or three latents, but `latent` is 12; give their sizes from the one next to x up, "
            "`--latent 32,16`.",
        ),
        (
            {"name": "ladder", "latent": (4, 3, 2, 1)},
            "ladder has two or three latents, but `latent` is 4, 3, 2, 1; give their sizes from the one next to x up, "
            "`--latent 32,16`.",
        ),
        (
            {"name": "mlp", "latent": (32, 16)},
            "mlp has one latent, but `latent` is 32, 16; give one size, `--latent 32`, or choose ladder.",
        ),
        (
            {"name": "semisupervised"},
            "semisupervised has 0 classes; labels `y` of 2 classes or more were needed; without labels, use mixture.",
        ),
        (
            {"name": "mixture", "components": 1},
            "mixture has 1 components; 2 or more were needed, such as `--components 10`.",
        ),
        ({"name": "mlp", "classes": 3}, "mlp has no classes, got 3; semisupervised has."),
        ({"name": "mlp", "components": 3}, "mlp has no components, got 3; mixture has."),
        ({"name": "lader"}, f"`lader` is no preset; there are {NAMES}. Did you mean `ladder`?"),
        ({"name": "mlp", "latent": (0,)}, "`latent` has the size 0; whole numbers from 1 to 65536 were needed."),
        ({"name": "mlp", "hidden": ()}, "`hidden` has 0 sizes; 1 to 8 were needed."),
        (
            {"name": "mlp", "shape": (65536, 65536)},
            "`shape` (65536, 65536) has 4294967296 entries; at most 16777216 were needed.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError) as error:
        Preset.of(**{"shape": (64,), "likelihood": COUNTS} | arguments)
    assert str(error.value) == message


# What is saved may come from anyone, and what is written is executed.

CODE = "__import__('os').system('true')"
SAVED = {
    "name": "mlp",
    "shape": [64],
    "likelihood": {"word": "beta-binomial", "low": 0, "high": 16},
    "latent": [12],
    "hidden": [200],
    "components": 0,
    "classes": 0,
    "masked": False,
}


class Hostile(int):
    def __repr__(self):
        return CODE

    __str__ = __repr__


class Word(str):
    __slots__ = ()

    def __format__(self, _):
        return CODE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": CODE}, f"`{CODE}` is no preset; there are {NAMES}."),
        ({"name": Word("mlp")}, f"'mlp' is no preset; there are {NAMES}."),
        ({"name": ["mlp"]}, f"['mlp'] is no preset; there are {NAMES}."),
        ({"shape": ["64"]}, "`shape` is ('64',); whole numbers were needed."),
        ({"shape": "64"}, "`shape` is '64'; a list of whole numbers was needed."),
        ({"shape": [-64]}, "`shape` has the size -64; whole numbers from 1 to 65536 were needed."),
        ({"shape": [1] * 5}, "`shape` has 5 sizes; 0 to 4 were needed."),
        ({"latent": [12.0]}, "`latent` is (12.0,); whole numbers were needed."),
        ({"latent": [True]}, "`latent` is (True,); whole numbers were needed."),
        (
            {"latent": [10**40]},
            "`latent` has the size 1000000000000000000000000000000000000...; whole numbers from 1 to 65536 were "
            "needed.",
        ),
        ({"latent": 12}, "`latent` is 12; a list of whole numbers was needed."),
        ({"hidden": [Hostile(200)]}, f"`hidden` is ({CODE},); whole numbers were needed."),
        ({"hidden": [[200]]}, "`hidden` is ([200],); whole numbers were needed."),
        ({"hidden": None}, "`hidden` is None; a list of whole numbers was needed."),
        ({"components": -1}, "`components` is -1; a whole number from 0 to 1000 was needed."),
        ({"components": False}, "`components` is False; a whole number was needed."),
        ({"classes": 1e3}, "`classes` is 1000.0; a whole number was needed."),
        ({"masked": 1}, "`masked` is 1; true or false was needed."),
        ({"masked": CODE}, f"`masked` is {CODE!r}; true or false was needed."),
        ({"likelihood": "normal"}, "A likelihood is saved as a dictionary; got 'normal'."),
        ({"likelihood": {"word": "normal"}}, "A likelihood needs the field `low`, which is missing."),
        (
            {"likelihood": SAVED["likelihood"] | {"reason": CODE}},
            "`reason` is no field of a likelihood, which has `word`, `low`, `high`.",
        ),
        (
            {"likelihood": SAVED["likelihood"] | {"word": CODE}},
            f"`word` is {CODE!r}; one of `bernoulli`, `beta-binomial`, `logistic`, `negative-binomial`, `normal` was "
            "needed.",
        ),
        (
            {"likelihood": SAVED["likelihood"] | {"high": 16.0}},
            "`high` is 16.0; a whole number within 1,000,000 of 0 was needed.",
        ),
        (
            {"likelihood": SAVED["likelihood"] | {"low": False}},
            "`low` is False; a whole number within 1,000,000 of 0 was needed.",
        ),
        (
            {"likelihood": SAVED["likelihood"] | {"high": 5000}},
            "`beta-binomial` was given the range 0..5000; 0..K with K from 1 to 1023 was needed.",
        ),
        (
            {"likelihood": {"word": "normal", "low": 0, "high": 1}},
            "`normal` was given the range 0..1; no range, which is written 0..0, was needed.",
        ),
        (
            {"latents": [12]},
            "`latents` is no field of a preset, which has `name`, `shape`, `likelihood`, `latent`, `hidden`, "
            "`components`, `classes`, `masked`. Did you mean `latent`?",
        ),
    ],
)
def test_hostile_values_are_refused(changes, message):
    with pytest.raises(ValueError) as error:
        Preset.from_json(SAVED | changes)
    assert str(error.value) == message


def test_other_shapes_of_json_are_refused():
    for saved in ([], "mlp", None, 3):
        with pytest.raises(ValueError) as error:
            Preset.from_json(saved)
        assert str(error.value) == f"A preset is saved as a dictionary; got {saved!r}."
    with pytest.raises(ValueError) as error:
        Preset.from_json({name: value for name, value in SAVED.items() if name != "masked"})
    assert str(error.value) == "A preset needs the field `masked`, which is missing."
    assert Preset.from_json(SAVED) == Preset.of("mlp", (64,), COUNTS)
