"""Batches come in the order of their steps, whoever made them."""

import threading
import time

import pytest
import torch

from training.ahead import Ahead, Pace


@pytest.mark.parametrize("threads", [1, 3])
def test_in_order_whatever_the_threads_do(threads: int):
    def make(step: int) -> tuple[int, int]:
        time.sleep(0.01 * (step % 3))
        return step * step, threading.get_ident()

    with Ahead(make, 4, 16, threads) as batches:
        made = list(batches)
    assert [(step, batch[0]) for step, batch in made] == [(step, step * step) for step in range(4, 16)]
    assert len({batch[1] for _, batch in made}) == threads


def test_only_so_many_are_made_ahead():
    made: list[int] = []
    with Ahead(made.append, 0, 100, 2) as batches:
        assert next(iter(batches))[0] == 0
        time.sleep(0.1)
    assert sorted(made) == [0, 1, 2, 3]


def test_waiting_is_counted_once():
    gate = threading.Event()

    def make(step: int) -> None:
        if step == 1:
            gate.wait(10)

    with Ahead(make, 0, 2, 1) as batches:
        steps = iter(batches)
        next(steps)
        assert batches.waited() < 0.5
        threading.Timer(0.5, gate.set).start()
        next(steps)
        assert batches.waited() >= 0.3
        assert batches.waited() == 0


def test_an_error_reaches_the_one_who_waits():
    def make(step: int) -> int:
        if step == 2:
            raise ValueError("no such game")
        return step

    with Ahead(make, 0, 5) as batches, pytest.raises(ValueError, match="no such game"):
        list(batches)


def test_there_is_no_pace_to_keep_without_a_gpu():
    pace = Pace(torch.device("cpu"))
    for _ in range(10):
        pace.step()
