"""The order of batches is a pure function of seed and step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lowerbound.data import batch_indices, order


def test_order_is_the_philox_permutation_of_seed_and_epoch():
    expected = np.random.Generator(np.random.Philox(key=[7, 3])).permutation(10)
    assert order(7, 3, 10).tolist() == expected.tolist()


def test_order_is_another_for_another_seed_or_epoch():
    orders = {tuple(order(seed, epoch, 20).tolist()) for seed in (0, 1) for epoch in (0, 1, 2)}
    assert len(orders) == 6


def test_order_cannot_be_spoiled_by_its_reader():
    with pytest.raises(ValueError, match="read-only"):
        order(0, 0, 5)[0] = 3


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(0, 50), st.integers(0, 30), st.integers(1, 20), st.data())
def test_batches_are_those_of_the_steps_one_by_one(seed, start, num_steps, num_rows, data):
    """However the steps are cut into chunks, step t is batch t mod (n // B) of epoch t // (n // B)."""
    batch_size = data.draw(st.integers(1, num_rows))
    indices = batch_indices(seed, start, num_steps, num_rows, batch_size)
    assert indices.shape == (num_steps, batch_size)
    for i in range(num_steps):
        epoch, within = divmod(start + i, num_rows // batch_size)
        expected = order(seed, epoch, num_rows)[within * batch_size : (within + 1) * batch_size]
        assert indices[i].tolist() == expected.tolist()
        assert indices[i].tolist() == batch_indices(seed, start + i, 1, num_rows, batch_size)[0].tolist()


def test_an_epoch_visits_each_row_at_most_once_and_leaves_out_the_rest():
    visited = batch_indices(0, 3, 3, 10, 3).ravel()  # epoch 1 of three batches
    assert len(set(visited.tolist())) == 9


@pytest.mark.parametrize("batch_size", [0, 11])
def test_a_batch_larger_than_the_data_is_refused(batch_size):
    with pytest.raises(ValueError) as error:
        batch_indices(0, 0, 1, 10, batch_size)
    assert str(error.value) == f"`batch_size` is {batch_size}, but the data has 10 rows. Choose between 1 and 10."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 0, 1, 10, 2), "`seed` is -1, but it counts from 0."),
        ((0, -1, 1, 10, 2), "`start_step` is -1, but it counts from 0."),
        ((0, 0, -2, 10, 2), "`num_steps` is -2, but it counts from 0."),
    ],
)
def test_negative_counts_are_refused(arguments, message):
    with pytest.raises(ValueError) as error:
        batch_indices(*arguments)
    assert str(error.value) == message
