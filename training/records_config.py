"""What every stage that learns from records can be told: which positions, which network, how it learns."""

from __future__ import annotations

from engine.alphago_networks import PolicyArchitecture, ValueArchitecture
from engine.network_kinds import AnyArchitecture
from engine.networks import Architecture
from gozero.config import Config
from training.loop import LoopConfig
from training.losses import LossConfig
from training.optimisers import OptimiserConfig, ScheduleConfig


class DataConfig(Config, frozen=True):
    """Which positions are drawn, and what the network sees of them."""

    store: str = ""
    """Folder of the packed store (`gozero pack`); given with `--store`."""
    size: int = 19
    """Board size."""
    features: str = "compact"
    """Feature set of the input planes."""
    symmetry: bool = True
    """Show every training position in a random one of its eight symmetries."""
    history_dropout: float = 0.0
    """How often, from 0 to 1, a training position is shown without its last moves, as a diagram would be. At 0.1 such
    positions are played far better (9x9, 90,000 positions: 37.1 % against 34.2 %), others as well as before."""
    sources: tuple[str, ...] = ()
    """Only games whose source contains one of these texts; all if empty."""
    threads: int = 1
    """Threads that make batches, each a whole one; all cores where a GPU trains."""
    validation_positions: int = 4096
    """Positions of the validation split that an evaluation looks at."""
    searches: bool = False
    """Learn from the searched positions of self-play games what the searches would play, not the moves of the games.
    Where none of the games falls into the validation split, evaluations look at those that are learned from."""
    teacher: str = ""
    """Network (shipped name or file) whose answers to the training positions are learned too, by `loss.teacher` and
    `loss.teacher_value`. It may read other planes."""
    teacher_turns: bool = False
    """Whether the teacher sees every batch in another symmetry than the learner. Then a network can learn from itself:
    its mean over the symmetries is better than it is. A smaller one learns faster from a teacher that does not turn
    (`RESULTS.md`)."""


class RecordsConfig(Config, frozen=True):
    """The settings that such stages share; each has its own of the paper's networks."""

    name: str
    """What the network will be called."""
    loop: LoopConfig
    network: Architecture | None = None
    """Shape of a residual network; or:"""
    alphago: PolicyArchitecture | ValueArchitecture | None = None
    """Shape of one of the paper's."""
    init: str = ""
    """Network whose weights the run starts from (shipped name or file); empty = random weights. Given with `--init`."""
    data: DataConfig = DataConfig()
    loss: LossConfig = LossConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    schedule: ScheduleConfig = ScheduleConfig()

    def __post_init__(self) -> None:
        if (self.network is None) == (self.alphago is None):
            raise ValueError("a run trains one network: give either network or alphago its settings")
        if self.alphago is not None and self.alphago.board != self.data.size:
            sizes = f"alphago.board = {self.alphago.board} and data.size = {self.data.size}"
            raise ValueError(f"{sizes} must be the same: the paper's networks know one board")

    @property
    def architecture(self) -> AnyArchitecture:
        """The shape of the network, of whichever kind."""
        architecture = self.network or self.alphago
        assert architecture is not None  # see __post_init__
        return architecture

    @property
    def feature_set(self) -> str:
        """The name of the network's input planes."""
        return self.data.features

    @property
    def board_size(self) -> int:
        """Of the games."""
        return self.data.size
