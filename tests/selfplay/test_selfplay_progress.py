"""What a person, and a program, is told of self-play."""

import pytest

from selfplay import selfplay_progress
from selfplay.selfplay_progress import SelfPlayProgress
from selfplay.worker import Report


@pytest.fixture
def clock(monkeypatch):
    """The time, which passes when it is told to."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

        strftime = staticmethod(lambda _: "12:00:00")

    made = Clock()
    monkeypatch.setattr(selfplay_progress, "time", made)
    return made


def test_sums_are_of_all_workers_and_speeds_begin_with_the_first_move(clock, capsys):
    with SelfPlayProgress(boards=8, wanted=5) as progress:
        clock.now += 30  # until a worker has started
        progress.heard(Report("a-0001", evaluations=0, batches=0, network="one"))
        progress.heard(Report("a-0001", evaluations=40, batches=10, network="one"))
        clock.now += 10
        progress.heard(Report("a-0001", games=2, positions=100, black=2, evaluations=80, batches=10, network="one"))
        progress.heard(Report("b-0001", games=1, positions=20, network="two", problems=("the disk is full",)))
        figures, text = progress.figures(), progress.text()
    assert figures == {
        "games": 3,
        "positions": 120,
        "seconds": 40.0,
        "games_per_h": 1080.0,
        "positions_per_s": 12.0,
        "evaluations_per_s": 12.0,
        "mean_batch": 6.0,
        "network": "two",
    }
    for words in ("3/5 games", "1,080 games/h", "75% full", "two", "Black 2 White 0 drawn 1"):
        assert words in text
    assert progress.lives == {"a-0001", "b-0001"}
    told = capsys.readouterr()
    assert "b-0001: the disk is full" in told.err
    assert told.err.count("12:00:00 ") == 2  # ten seconds after the last one, or later
    assert told.out == ""


def test_before_anybody_played_there_are_no_speeds(clock):
    progress = SelfPlayProgress(boards=8, wanted=None)
    assert progress.figures()["games_per_h"] == 0
    assert "starting" in progress.text()


def test_a_first_report_makes_no_speed(clock):
    progress = SelfPlayProgress(boards=8, wanted=60)
    progress.heard(Report("a-0001", evaluations=800, batches=100, network="one"))
    assert "0/60 games, 0 games/h, 0 positions/s, 0 evaluations/s" in progress.text()
    clock.now += 2
    assert progress.figures()["evaluations_per_s"] == 400
