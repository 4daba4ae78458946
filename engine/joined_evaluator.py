"""Two evaluators as one: one says which moves are likely, the other who wins (AlphaGo's policy and value networks)."""

from __future__ import annotations

from typing import Final

from engine.evaluator import BOARDS, BoardEvaluator, Evaluator


class JoinedEvaluator:
    """`engine.flight.evaluate` asks both parts about the same leaves.

    Attributes:
        policy: whose policy is followed.
        value: whose value counts, and whose ownership and score.
    """

    feature_set: Final[str] = BOARDS

    def __init__(self, policy: Evaluator | BoardEvaluator, value: Evaluator | BoardEvaluator) -> None:
        self.policy = policy
        self.value = value

    def supports(self, size: int) -> bool:
        return self.policy.supports(size) and self.value.supports(size)

    def close(self) -> None:
        self.policy.close()
        self.value.close()
