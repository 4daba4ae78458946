"""`gozero eval`: how well the parts of a player do on held-out games; the table of what can be measured.

Every measurement stands in a module of its own, which is loaded when it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gozero.menu import Command, Menu

EVALUATIONS: Final[dict[str, Command]] = {
    "agent": Command(
        "training.agent_eval_command:main", "what an agent of dqn, actor-critic or policy-gradient reaches"
    ),
    "policy": Command("training.policy_eval_command:main", "how often a network finds the move that was played"),
    "reinforce": Command(
        "selfplay.contest_command:main",
        "how often a bare policy beats another, such as its former self",
    ),
    "rollout": Command(
        "training.rollout_eval:main", "how often the rollout and tree policies find it, and how fast they are"
    ),
    "value": Command("training.value_eval_command:main", "how well a network says who will win"),
    "scoring": Command("training.scoring_eval:main", "how often our count of a finished game agrees with its record"),
}

MENU: Final = Menu(
    "gozero eval",
    "evaluation",
    "How well a network does on games that it was not trained on.",
    EVALUATIONS,
    "gozero eval policy --network compact-19 --games games.store --source tygem",
)


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero eval`. Raises ValueError when there is no such evaluation."""
    return MENU.run(argv)
