"""What a run reports: speed in positions and in operations, as lines for people and as metrics."""

from pathlib import Path

import pytest

from training.progress import Progress, duration
from training.run_folder import RunFolder


def report(folder: Path, work: tuple[int, float | None]) -> dict[str, float]:
    with Progress(RunFolder(folder), 100, 2048, 0, work) as progress:
        progress.trained(10, {"loss": 2.0, "data_wait": 0.03}, (9.0, 0.5), 10)
    (record,) = RunFolder(folder).read_metrics()
    return record


def test_operations_and_the_share_of_the_peak(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    record = report(tmp_path, (4_000_000_000, 989.0))
    assert record["positions"] == 20480
    assert record["positions_per_s"] == pytest.approx(40960)
    assert record["tflops"] == pytest.approx(163.84)
    assert record["peak_share"] == pytest.approx(0.16566, rel=1e-3)
    assert record["data_wait"] == 0.03
    assert "40960 positions/s, 164 TFLOP/s (17 % of the peak), 4 s left" in capsys.readouterr().err


def test_no_share_where_the_peak_is_not_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    record = report(tmp_path, (4_000_000_000, None))
    assert record["tflops"] == pytest.approx(163.84)
    assert "peak_share" not in record
    assert "TFLOP" not in capsys.readouterr().err


@pytest.mark.parametrize(("seconds", "words"), [(45, "45 s"), (700, "12 min"), (11100, "3 h 05 min")])
def test_durations(seconds: float, words: str):
    assert duration(seconds) == words
