"""The player that is the policy alone: what a network's strength without search is measured with."""

import numpy as np
import pytest

from engine import network_file
from engine.onnx_evaluator import OnnxEvaluator
from engine.player import Player
from engine.player_file import load_player
from gozero import features, symmetry
from gozero.coords import PASS, move_index
from gozero.position import Position

OPENING = ["E5", "C3", "G7", "C7", "G3", "E3", "C5", "D7", "E7", "E8", "F8", "D8"]


@pytest.fixture
def player():
    player = load_player("policy", size=9, network="compact-9")
    yield player
    player.close()


def positions() -> list[Position]:
    position = Position(9)
    reached = [position.copy()]
    for vertex in OPENING:
        position.play(vertex)
        reached.append(position.copy())
    return reached


def mean_policy(position: Position) -> np.ndarray:
    """The average over the eight symmetries of the probabilities, float64[82], one symmetry at a time."""
    evaluator = OnnxEvaluator(network_file.find("compact-9"))
    planes, facts = features.planes(position, "compact"), features.globals_of(position)
    total = np.zeros(82)
    for which in range(8):
        turned = symmetry.transform_planes(planes, which)
        logits = evaluator.evaluate(turned[None], facts[None]).policy_logits[0]
        back = symmetry.transform_policy(logits, symmetry.inverse_symmetry(which)).astype(np.float64)
        total += np.exp(back) / np.exp(back).sum()
    return total / 8


def test_it_plays_the_policys_first_choice_without_looking_ahead(player: Player):
    for position in positions():
        policy = np.where(position.legal_mask() > 0, mean_policy(position), -1)
        choice = player.choose(position)
        assert choice.result is not None
        assert choice.result.visits == 1
        # Moves that a symmetric position makes equal differ by the rounding of float32.
        assert policy[move_index(choice.point, 9)] == pytest.approx(policy.max(), rel=1e-4)


def test_it_plays_a_game_to_the_end_and_never_resigns(player: Player):
    """Also a game that is lost from the start."""
    position = Position(9, komi=200)
    while not position.is_over:
        assert len(position.moves) < 250
        choice = player.choose(position)
        assert choice.point >= PASS
        position.play(choice.point)
    assert len(position.moves) > 40
