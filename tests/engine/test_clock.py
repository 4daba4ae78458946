"""Time control, by games simulated second by second with a clock that is not the engine's own."""

from __future__ import annotations

import math
import threading
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.clock import LAG_SECONDS, NO_CLOCK_SECONDS, SHORTEST, Clock, TimeSettings
from engine.evaluator import Evaluation
from engine.player import Player
from engine.player_file import PlayerSettings
from engine.search import Limits, Search, SearchConfig
from gozero.position import Position
from tests.toy_game import EvenPolicy

LAG = 0.2
"""Seconds that pass outside the engine at every move."""
LATE = 0.05
"""Seconds by which a search may end after its time: its last evaluation and what follows."""


class FakeTime:
    """A monotonic clock that stands still but where it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds


class SlowOnFakeTime(EvenPolicy):
    """An evaluator that needs a while, on the fake clock."""

    def __init__(self, time: FakeTime, seconds: float) -> None:
        self._time = time
        self._seconds = seconds

    def evaluate(self, planes: NDArray[np.uint8], global_values: NDArray[np.float32]) -> Evaluation:
        self._time.sleep(self._seconds)
        return super().evaluate(planes, global_values)


class Referee:
    """Keeps one player's time as a server does, and says when it is lost."""

    def __init__(self, settings: TimeSettings) -> None:
        self.settings = settings
        self.main = settings.main
        self.period = settings.period
        self.stones = settings.stones
        self.lost = False

    def move(self, seconds: float) -> None:
        settings = self.settings
        if settings.system == "fischer":
            self.lost |= seconds > min(self.main, settings.most_per_move)
            self.main = min(settings.most, self.main + settings.period - seconds)
            return
        over = max(0.0, seconds - self.main)
        self.main = max(0.0, self.main - seconds)
        if settings.system == "absolute":
            self.lost |= over > 0
        elif over > 0 or self.main == 0:
            if settings.system == "canadian":
                self.period -= over
                self.lost |= self.period < 0
                self.stones -= 1
                if self.stones == 0:
                    self.period, self.stones = settings.period, settings.stones
            else:
                self.stones -= math.floor(over / settings.period)
                self.lost |= self.stones <= 0

    def time_left(self) -> tuple[float, int]:
        """What the server tells the engine before its move."""
        if self.main > 0 or self.settings.system in ("absolute", "fischer"):
            return self.main, 0
        return self.period, self.stones


SYSTEMS = [
    TimeSettings.absolute(60),
    TimeSettings.absolute(300),
    TimeSettings.absolute(3600),
    TimeSettings.canadian(0, 60, 25),
    TimeSettings.canadian(120, 300, 20),
    TimeSettings.canadian(10, 10, 10),
    TimeSettings.byo_yomi(0, 1, 1),
    TimeSettings.byo_yomi(60, 5, 3),
    TimeSettings.byo_yomi(600, 30, 5),
    TimeSettings.fischer(5, 1),
    TimeSettings.fischer(120, 2),
    TimeSettings.fischer(60, 0.5),
    TimeSettings.fischer(120, 2, most_per_move=3),
    TimeSettings.fischer(12, 10, most=12),
]


@pytest.mark.parametrize("told", [True, False], ids=["told the time", "counts itself"])
@pytest.mark.parametrize("size", [9, 19])
@pytest.mark.parametrize("plies", [50, 150, 400])
@pytest.mark.parametrize("settings", SYSTEMS, ids=lambda s: f"{s.system} {s.main}+{s.period}/{s.stones}")
def test_never_loses_on_time(settings: TimeSettings, plies: int, size: int, told: bool) -> None:
    referee, clock = Referee(settings), Clock(settings)
    random = np.random.default_rng(plies + size)
    for ply in range(0, plies, 2):
        if told:
            clock.time_left(*referee.time_left())
        seconds = clock.seconds_for_move(ply, size)
        assert seconds > 0
        seconds *= 1 + clock.extension(seconds)  # as if the search was always in doubt
        seconds += random.uniform(0, LATE)
        referee.move(seconds + LAG)
        # The engine does not see the lag; where nobody tells the time, there is no server to cause any.
        clock.spend(seconds if told else seconds + LAG)
        assert not referee.lost, f"lost on time at ply {ply}"


@pytest.mark.parametrize(
    "settings",
    [
        TimeSettings.absolute(60),
        TimeSettings.canadian(10, 10, 10),
        TimeSettings.byo_yomi(5, 1, 1),
        TimeSettings.fischer(5, 1),
    ],
    ids=lambda s: s.system,
)
def test_never_loses_on_time_with_a_real_search(settings: TimeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole player on a clock that is not real: 200 own moves with evaluations of 80 ms and a lag of 0.2 s."""
    now = FakeTime()
    monkeypatch.setattr(time, "monotonic", now)
    referee, clock = Referee(settings), Clock(settings)
    search = Search(SlowOnFakeTime(now, 0.08), SearchConfig(memory_mib=16, batches_in_flight=1))
    player = Player(search, PlayerSettings())
    position = Position(7)
    for ply in range(0, 400, 2):
        clock.time_left(*referee.time_left())
        search.forget()
        began = now()
        player.choose(position, Limits(seconds=clock.seconds_for_move(ply, 7)))
        clock.spend(now() - began)
        now.sleep(LAG)
        referee.move(now() - began)
        assert not referee.lost, f"lost on time at ply {ply}"
    search.close()


@pytest.mark.parametrize(
    "settings", [TimeSettings.byo_yomi(0, 5, 3), TimeSettings.canadian(30, 50, 10)], ids=lambda s: s.system
)
def test_a_slow_line_is_noticed_in_overtime(settings: TimeSettings) -> None:
    """A lag of 1.2 s costs a period or two, and not the game."""
    referee, clock = Referee(settings), Clock(settings)
    for ply in range(0, 400, 2):
        clock.time_left(*referee.time_left())
        seconds = clock.seconds_for_move(ply, 19)
        referee.move(seconds + 1.2)
        clock.spend(seconds)
        assert not referee.lost, f"lost on time at ply {ply}"


def test_the_opening_is_played_faster_than_the_middle_of_the_game() -> None:
    first, middle = Clock(TimeSettings.absolute(600)), Clock(TimeSettings.absolute(600))
    assert first.seconds_for_move(0, 19) < 0.6 * middle.seconds_for_move(80, 19)
    assert first.seconds_for_move(0, 19) > 1


@pytest.mark.parametrize("size", [9, 13, 19])
@pytest.mark.parametrize("main", [60, 300, 1800])
def test_absolute_time_is_used(main: float, size: int) -> None:
    """Without lag, a game of ordinary length uses most of its time, and no single move takes a large share of it."""
    clock = Clock(TimeSettings.absolute(main))
    left, thought = main, 0.0
    for ply in range(0, int(0.7 * size * size), 2):
        clock.time_left(left, 0)
        seconds = clock.seconds_for_move(ply, size)
        assert seconds < main / 12
        thought += seconds
        left -= seconds
        clock.spend(seconds)
    assert thought > 0.5 * main


def test_a_lag_that_shows_is_kept_back() -> None:
    quick, slow = Clock(TimeSettings.absolute(300)), Clock(TimeSettings.absolute(300))
    for clock, lag in ((quick, 0.0), (slow, 1.0)):
        clock.spend(10)
        clock.time_left(290 - lag, 0)
    assert slow.seconds_for_move(2, 19) < quick.seconds_for_move(2, 19) - 0.5


def test_doubt_is_given_time_only_where_there_is_plenty() -> None:
    clock = Clock(TimeSettings.byo_yomi(600, 30, 3))
    assert clock.extension(clock.seconds_for_move(40, 19)) == 0.35
    clock.time_left(100, 0)
    assert clock.extension(clock.seconds_for_move(40, 19)) == 0
    clock.time_left(30, 3)
    assert clock.extension(1.0) == 0
    assert Clock().extension(2.0) == 0


def test_byo_yomi_uses_a_period_fully_but_not_too_long() -> None:
    clock = Clock(TimeSettings.byo_yomi(0, 10, 3))
    assert clock.in_overtime
    assert 8 < clock.seconds_for_move(100, 19) <= 10 - LAG_SECONDS


def test_canadian_spreads_the_period_over_its_stones() -> None:
    clock = Clock(TimeSettings.canadian(0, 100, 10))
    assert clock.seconds_for_move(0, 19) == pytest.approx(10 - LAG_SECONDS)
    clock.time_left(29.9, 2)
    assert clock.seconds_for_move(0, 19) == pytest.approx(29.9 / 2 - LAG_SECONDS)
    clock.time_left(7, 1)
    assert clock.seconds_for_move(0, 19) == pytest.approx(7 - LAG_SECONDS)
    clock.time_left(0.1, 1)
    assert clock.seconds_for_move(0, 19) == SHORTEST


def test_canadian_period_starts_anew_after_its_stones() -> None:
    clock = Clock(TimeSettings.canadian(0, 100, 2))
    clock.spend(10)
    assert clock.seconds_left == 90
    clock.spend(10)
    assert clock.seconds_left == 100


def test_main_time_runs_over_into_overtime() -> None:
    clock = Clock(TimeSettings.canadian(5, 100, 10))
    clock.spend(8)
    assert clock.in_overtime
    assert clock.seconds_left == 97


def test_fischer_adds_its_increment() -> None:
    clock = Clock(TimeSettings.fischer(10, 5))
    clock.spend(4)
    assert clock.seconds_left == 11


def test_fischer_adds_no_more_than_its_cap() -> None:
    clock = Clock(TimeSettings.fischer(12, 10, most=12))
    for _ in range(6):
        clock.spend(1)
    assert clock.seconds_left == 12


def test_no_move_takes_longer_than_its_cap_in_doubt_or_not() -> None:
    clock = Clock(TimeSettings.fischer(3600, 30, most_per_move=20))
    seconds = clock.seconds_for_move(80, 19)
    assert seconds == 20 - LAG_SECONDS
    assert clock.extension(seconds) == 0
    assert clock.extension(18) == pytest.approx((20 - LAG_SECONDS) / 18 - 1)
    assert clock.extension(4) == 0.35
    clock = Clock(TimeSettings.fischer(3600, 30, most_per_move=0.1))
    assert clock.seconds_for_move(80, 19) == SHORTEST


def test_no_time_left_means_an_immediate_move() -> None:
    clock = Clock(TimeSettings.absolute(0))
    assert clock.seconds_for_move(0, 19) == SHORTEST
    told = Clock(TimeSettings.fischer(60, 5))
    told.time_left(0, 0)
    assert told.seconds_for_move(50, 19) == SHORTEST


def test_no_main_time_left_means_overtime() -> None:
    """Some controllers send 0 0 when the main time is over."""
    for settings in (TimeSettings.canadian(60, 30, 3), TimeSettings.byo_yomi(60, 10, 3)):
        clock = Clock(settings)
        clock.time_left(0, 0)
        assert clock.in_overtime
        assert 8.9 < clock.seconds_for_move(50, 19) < 10


@pytest.mark.parametrize("clock", [Clock(), Clock(TimeSettings.canadian(600, 10, 0))])
def test_without_limit_two_seconds_a_move(clock: Clock) -> None:
    """GTP: a positive byo-yomi time for no stones means no limit."""
    assert clock.seconds_for_move(0, 19) == NO_CLOCK_SECONDS == 2.0
    assert clock.seconds_left == math.inf
    clock.spend(1000)
    assert clock.seconds_for_move(300, 9) == NO_CLOCK_SECONDS


def test_gtp_zero_period_means_absolute_time() -> None:
    assert TimeSettings.canadian(60, 0, 5) == TimeSettings.byo_yomi(60, 0, 3) == TimeSettings.absolute(60)


@pytest.mark.parametrize(
    "bad", [(-1.0, 0.0, 0), (0.0, -1.0, 1), (0.0, 1.0, -1), (math.nan, 0.0, 0), (math.inf, 0.0, 0)]
)
def test_impossible_times_are_refused(bad: tuple[float, float, int]) -> None:
    with pytest.raises(ValueError, match=r"times"):
        TimeSettings("canadian", *bad)


@pytest.mark.parametrize("caps", [{"most": -1.0}, {"most_per_move": math.nan}])
def test_impossible_caps_are_refused(caps: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="caps of times"):
        TimeSettings.fischer(60, 1, **caps)
