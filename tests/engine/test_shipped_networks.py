"""What the shipped networks know: komi, whose stones are whose, and where they come from."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import network_file
from engine.evaluator import Evaluation
from engine.onnx_evaluator import OnnxEvaluator
from gozero import features
from gozero.coords import BLACK, WHITE, opponent
from gozero.position import Position

NAMES_AND_SIZES = [("compact-9", 9), ("compact-19", 19), ("compact-19", 13)]
NETWORK_LIMIT = 16_000_000
"""Bytes that a shipped file may have."""


@cache
def evaluator(name: str) -> OnnxEvaluator:
    return OnnxEvaluator(network_file.find(name))


def evaluate(name: str, *positions: Position) -> Evaluation:
    planes = np.stack([features.planes(position, evaluator(name).feature_set) for position in positions])
    facts = np.stack([features.globals_of(position) for position in positions])
    return evaluator(name).evaluate(planes, facts)


def middle_game(name: str, size: int, plies: int, seed: int) -> Position:
    """A game in which both sides draw their moves from the network's policy."""
    generator = np.random.default_rng(seed)
    position = Position(size=size)
    for _ in range(plies):
        logits = evaluate(name, position).policy_logits[0, :-1].astype(np.float64)
        weights = np.exp(logits - logits.max()) * position.legal_mask()[:-1]
        index = int(generator.choice(size * size, p=weights / weights.sum()))
        position.play((index // size + 1) * (size + 1) + index % size + 1)
    return position


def values_by_komi(name: str, position: Position, komis: list[float]) -> NDArray[np.float32]:
    """The value for the player to move under each komi."""
    copies = [position.copy() for _ in komis]
    for copy, komi in zip(copies, komis, strict=True):
        copy.komi = komi
    return evaluate(name, *copies).value


@pytest.mark.parametrize(("name", "size"), NAMES_AND_SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_value_falls_when_komi_rises_against_the_player_to_move(name: str, size: int, seed: int) -> None:
    position = middle_game(name, size, plies=size * size // 5, seed=seed)
    komis = [-20.0, -7.5, 0.0, 0.5, 6.5, 7.5, 20.0, 60.0]
    for colour in (BLACK, WHITE):
        position.to_play = colour
        values = values_by_komi(name, position, komis)
        steps = np.diff(values) if colour == WHITE else -np.diff(values)
        assert (steps > 0).all(), f"value for {colour} by komi: {values}"
        assert abs(values[-1] - values[0]) > 0.3


@pytest.mark.parametrize(("name", "size"), [("compact-9", 9), ("compact-19", 19)])
def test_the_same_board_with_colours_exchanged_has_the_same_value(name: str, size: int) -> None:
    """Only komi and whose move it is tell the colours apart; without komi the difference must be small."""
    position = middle_game(name, size, plies=size * size // 4, seed=7)
    position.komi = 0.0
    exchanged = Position(size=size, komi=0.0)
    for colour, point in position.moves:
        exchanged.play(point, opponent(colour))
    values = evaluate(name, position, exchanged).value
    assert abs(float(values[0] - values[1])) < 0.25


def test_a_board_full_of_own_stones_is_won() -> None:
    text = """
        . X X X X X X X .
        X X X X X X X X X
        X X X X X X X X X
        X X X X X X X X X
        X X X X X X X X X
        X X X X X X X X X
        X X X X X X X X X
        . O O O O O O O .
        O . O O O O O O O
    """
    position = Position.from_ascii(text, to_play=BLACK)
    black = evaluate("compact-9", position).value[0]
    position.to_play = WHITE
    white = evaluate("compact-9", position).value[0]
    assert black > 0.5
    assert white < -0.5


@pytest.mark.parametrize("name", ["compact-9", "compact-19"])
def test_says_where_it_comes_from_and_is_small(name: str) -> None:
    path = network_file.find(name)
    info = network_file.load_metadata(path)
    assert path.stat().st_size < NETWORK_LIMIT
    assert path.with_suffix(".safetensors").stat().st_size < NETWORK_LIMIT
    assert info.trained_on["positions_seen"] > 0
    assert info.trained_on["sources"]
    assert "repositories" in info.trained_on["licence"]
    assert 0 < info.results["policy"]["top1"] < 1
