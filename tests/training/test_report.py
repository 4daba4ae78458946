"""`gozero report`: numbers come out where they belong, nothing is cut or overlaps, and bad input is told."""

import json
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from gozero import cli
from training.published import MARKS
from training.report import write_report
from training.report_page import draw, smoothed, spread
from training.run_facts import Run, count, read_run, series
from training.run_folder import RunError


def lines_of(steps: int, batch: int, top: float, speed: float) -> list[dict[str, Any]]:
    """Metrics as the training loop writes them: a line every 50 steps, a validation every 200."""
    lines: list[dict[str, Any]] = []
    for step in range(50, steps + 1, 50):
        at = {"step": step, "positions": step * batch, "seconds": round(step * batch / speed, 1)}
        reached = top * (1 - (step + 50) ** -0.3)
        means = {"loss": 5 - 4 * reached, "policy": 4 - 4 * reached, "top1": reached - 0.01, "rate": min(1, step / 200)}
        lines.append({"kind": "train", **at, **means, "positions_per_s": speed})
        if step % 200 == 0:
            lines.append({"kind": "validation", **at, "top1": reached, "top5": 0.9, "nll": 3.9 - 4 * reached})
    return lines


def make_run(folder: Path, lines: list[dict[str, Any]], size: int = 19, **settings: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    settings = {
        "name": folder.name,
        "network": {"blocks": 6, "channels": 96},
        "loop": {"batch_size": 128},
        "data": {"size": size, "features": "compact", "sources": ["tygem9d", "kgs-dan-even"]},
        "optimiser": {"name": "muon", "rate": 0.002, "muon_rate": 0.015},
        **settings,
    }
    (folder / "config.yaml").write_text(json.dumps(settings))
    (folder / "code.txt").write_text("0123456789abcdef\n")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "first", lines_of(4000, 128, 0.6, 300))


def value_lines(steps: int) -> list[dict[str, Any]]:
    """Metrics of a run that teaches values alone."""
    lines: list[dict[str, Any]] = []
    for step in range(50, steps + 1, 50):
        at = {"step": step, "positions": step * 128, "seconds": float(step)}
        lines.append(
            {"kind": "train", **at, "loss": 1 - step / 1000, "value": 1 - step / 1000, "positions_per_s": 300.0}
        )
        if step % 200 == 0:
            lines.append({"kind": "validation", **at, "mse": 0.8, "mse_constant": 0.95, "sign_accuracy": 0.7})
    return lines


def drawn_texts(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What is written on the page, and where: every text that is drawn (tick labels beyond an axis are not)."""
    drawn: list[tuple[str, Any]] = []
    draw_text = Text.draw

    def note(self: Text, renderer: Any) -> None:
        draw_text(self, renderer)
        if self.get_visible() and self.get_text().strip():
            drawn.append((self.get_text(), self.get_window_extent(renderer)))

    monkeypatch.setattr(Text, "draw", note)
    FigureCanvasAgg(figure).draw()
    return drawn


def test_a_run_is_read_while_it_goes_on(run: Path):
    """The last line is torn in the middle of being written."""
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "train", "step": 4050, "posi')
    read = read_run(run)
    assert (len(read.train), len(read.validation)) == (80, 20)
    assert (read.name, read.board_size, read.code[:7]) == ("first", 19, "0123456")
    assert read.best is not None
    assert read.best["step"] == 4000


def points(axes: Any, number: int, keep: Any = lambda line: True) -> list[tuple[list[float], list[float]]]:
    """The lines of so many points on the axes, as (x, y)."""
    lines = [line for line in axes.get_lines() if len(line.get_xdata()) == number and keep(line)]
    return [(np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist()) for line in lines]


def test_curves_show_the_metrics(run: Path):
    read = read_run(run)
    figure = draw([read])
    accuracy, loss, rate, speed = figure.axes
    x, y = series(read.validation, "top1")
    ((bold_x, bold_y),) = points(accuracy, 20)
    assert bold_x == x
    assert bold_y == pytest.approx([100 * value for value in y])
    raw, _ = points(accuracy, 80)  # and the same smoothed
    assert raw[1] == pytest.approx([100 * value for value in series(read.train, "top1")[1]])
    assert points(loss, 20) == [(x, series(read.validation, "nll")[1])]
    assert max(points(rate, 80)[0][1]) == 100
    assert set(points(speed, 80)[0][1]) == {300.0}
    for axes in figure.axes:
        assert axes.get_xlabel() == "positions seen"
        assert axes.get_ylabel()
        assert axes.get_xlim()[1] >= 4000 * 128


def test_published_numbers_stand_on_the_axes_of_19x19_only(run: Path, tmp_path: Path):
    figure = draw([read_run(run)])
    accuracy = figure.axes[0]
    stars = {(x, round(y, 1)) for (x,), (y,) in points(accuracy, 1, lambda line: line.get_marker() in ("*", "h"))}
    assert stars == {(mark.positions, round(100 * mark.top1, 1)) for mark in MARKS if mark.positions}
    written = [text.get_text() for text in accuracy.texts]
    assert written == [f"{100 * mark.top1:.1f}  {mark.name}" for mark in MARKS]
    low, high = accuracy.get_ylim()
    assert all(low < 100 * mark.top1 < high for mark in MARKS)
    small = draw([read_run(make_run(tmp_path / "small", lines_of(2000, 64, 0.7, 900), size=9))])
    assert not any("AlphaGo" in text.get_text() for text in small.findobj(Text))


@pytest.mark.parametrize("kind", ["one", "nine", "many", "gpu", "short", "long names"])
def test_nothing_overlaps_and_nothing_is_cut(kind: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    runs = [read_run(run)]
    if kind == "nine":
        runs = [read_run(make_run(tmp_path / "small", lines_of(2000, 64, 0.7, 900), size=9))]
    if kind == "many":
        runs += [read_run(make_run(tmp_path / f"run-{i}", lines_of(2000 + i, 64, 0.5, 200 + i))) for i in range(7)]
    if kind == "gpu":
        lines = [{**line, "tflops": 310.0, "peak_share": 0.314} for line in lines_of(30000, 1024, 0.57, 21500)]
        alphago: dict[str, Any] = {
            "network": None,
            "alphago": {"layers": 13, "filters": 192},
            "init": "data/alphago-64.onnx",
        }
        runs.append(read_run(make_run(tmp_path / "alphago-192", lines, **alphago)))
    if kind == "short":
        runs = [read_run(make_run(tmp_path / "begun", lines_of(50, 64, 0.7, 900)))]
    if kind == "long names":
        sources = {"size": 19, "features": "alphago48", "sources": ["tygem9d-2005-2016-1.tar.xz", "kgs", "pro", "fox"]}
        name = "an-experiment-with-a-name-that-tells-everything"
        runs = [read_run(make_run(tmp_path / name, lines_of(9000, 64, 0.3, 123456), data=sources, init="compact-19-b"))]
    figure = draw(runs)
    boxes = drawn_texts(figure, monkeypatch)
    assert len(boxes) > 30
    page = figure.bbox
    for text, box in boxes:
        assert page.x0 <= box.x0 < box.x1 <= page.x1, text
        assert page.y0 <= box.y0 < box.y1 <= page.y1, text
    for i, (text, box) in enumerate(boxes):
        for other, its in boxes[i + 1 :]:
            assert not (box.x0 < its.x1 and its.x0 < box.x1 and box.y0 < its.y1 and its.y0 < box.y1), (text, other)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=12), st.floats(0.1, 5))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_labels_are_spread_without_overlap(wanted: list[float], gap: float):
    places = spread(wanted, gap, 0, 100)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    sorted_places = [places[i] for i in order]
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(sorted_places))
    assert min(places) >= -1e-6
    assert max(places) <= 100 + 1e-6
    alone = all(abs(a - b) >= gap for i, a in enumerate(wanted) for b in wanted[:i])
    if alone:
        assert places == pytest.approx(wanted)


def test_small_things():
    assert [count(number) for number in (7, 128, 12_800, 1_920_000, 5.44e9)] == [
        "7",
        "128",
        "12.8 k",
        "1.92 M",
        "5.44 G",
    ]
    assert smoothed([1.0, 5.0, 3.0], 3) == [1.0, 5.0, 3.0]
    assert smoothed([float(i % 2) for i in range(9)], 3)[5] == pytest.approx(1 / 3)
    assert series([{"positions": 2, "loss": 1.5}], "policy", "loss") == ([2.0], [1.5])


def test_files(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["report", str(run)]) == 0
    assert capsys.readouterr().out == f"{run / 'report.png'}\n"
    assert (run / "report.png").read_bytes().startswith(b"\x89PNG")
    page = tmp_path / "pages" / "both.html"
    second = make_run(tmp_path / "second", lines_of(1000, 128, 0.5, 100), note="<b>&</b>")
    assert cli.main(["report", str(run), str(second), "--out", str(page)]) == 0

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.tags: list[str] = []
            self.data = ""

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.tags.append(tag)
            links = [value for name, value in attrs if name in ("src", "href")]
            assert all(value and value.startswith("data:") for value in links), "the page stands alone"

        def handle_data(self, data: str) -> None:
            self.data += data

    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    assert (reader.tags.count("img"), reader.tags.count("tr"), reader.tags.count("details")) == (1, 3, 2)
    assert "b" not in reader.tags
    assert "<b>&</b>" in reader.data
    assert "6x96 residual, compact" in reader.data


def test_complaints(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def complaint(*arguments: str | Path) -> str:
        capsys.readouterr()
        assert cli.main(["report", *(str(argument) for argument in arguments)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        (line,) = captured.err.strip().splitlines()
        return line

    assert "there is no folder" in complaint(tmp_path / "absent")
    assert "it has no metrics.jsonl" in complaint(tmp_path)
    assert "ends in .png, .svg, .html" in complaint(run, "--out", tmp_path / "page.docx")
    empty = make_run(tmp_path / "empty", [])
    assert "no measurement yet" in complaint(empty)
    (empty / "metrics.jsonl").write_text('{"kind": "tr')
    assert "no measurement yet" in complaint(empty)
    other = make_run(tmp_path / "other", [{"kind": "train", "step": 1, "positions": 9, "loss": 1.0}])
    assert "no accuracy (top1)" in complaint(other)


def test_a_run_without_its_settings_is_drawn(run: Path, tmp_path: Path):
    (run / "config.yaml").write_text("- [")
    (run / "code.txt").unlink()
    read = read_run(run)
    assert read.settings == {}
    write_report([read], tmp_path / "page.svg")
    assert "<svg" in (tmp_path / "page.svg").read_text(encoding="utf-8")


def test_unknown_formats_are_refused_before_anything_is_drawn(tmp_path: Path):
    run = Run("r", {}, [{"positions": 1, "top1": 0.1, "kind": "train"}], [], "")
    with pytest.raises(RunError, match="cannot write"):
        write_report([run], tmp_path / "x" / "page")
    assert not (tmp_path / "x").exists()


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were saved."""
    figures: list[Figure] = []
    save = Figure.savefig

    def kept(figure: Figure, *arguments: Any, **more: Any) -> None:
        figures.append(figure)
        save(figure, *arguments, **more)

    monkeypatch.setattr(Figure, "savefig", kept)
    return figures


def test_a_run_that_learns_from_its_games_is_drawn_with_its_scores(
    tmp_path: Path, drawn: list[Figure], capsys: pytest.CaptureFixture[str]
) -> None:
    train = [{"kind": "train", "step": step, "games": 32 * step, "score": 0.5} for step in range(1, 50)]
    scores = {"score_start": 0.6, "score_start_low": 0.5, "score_start_high": 0.7}
    scores |= {name.replace("start", "pool"): value - 0.05 for name, value in scores.items()}
    evaluations = [{"kind": "validation", "step": step, "games": 32 * step, **scores} for step in (20, 40)]
    run = make_run(tmp_path / "reinforced", [*train, *evaluations])
    assert cli.main(["report", str(run)]) == 0
    assert (run / "report.png").read_bytes().startswith(b"\x89PNG")
    for axes, score in zip(drawn[0].axes, (60, 55), strict=True):
        curve = axes.get_lines()[1]
        assert np.asarray(curve.get_xdata()).tolist() == [640, 1280]
        assert np.asarray(curve.get_ydata()).tolist() == pytest.approx([score, score])
    capsys.readouterr()

    begun = make_run(tmp_path / "begun", train)
    assert cli.main(["report", str(begun)]) == 2
    assert "holds no evaluation yet: wait for the first one (loop.evaluate_every)" in capsys.readouterr().err
    policy = make_run(tmp_path / "moves", lines_of(400, 128, 0.6, 300))
    assert cli.main(["report", str(run), str(policy)]) == 2
    assert "have no page in common" in capsys.readouterr().err


def test_a_rollout_run_is_drawn_with_the_loss_and_the_accuracy_of_both_policies(
    tmp_path: Path, drawn: list[Figure], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        {"policy": policy, "positions": 1000 * part, "nll": nll - part, "top1": part / 10}
        for policy, nll in (("rollout", 5), ("tree", 4))
        for part in (1, 2)
    ]
    run = make_run(tmp_path / "rollout", lines)
    assert cli.main(["report", str(run)]) == 0
    assert (run / "report.png").read_bytes().startswith(b"\x89PNG")
    for axes, values in zip(drawn[0].axes, ([[4, 3], [3, 2]], [[10, 20], [10, 20]]), strict=True):
        for curve, y in zip(axes.get_lines(), values, strict=True):
            assert np.asarray(curve.get_xdata()).tolist() == [1000, 2000]
            assert np.asarray(curve.get_ydata()).tolist() == pytest.approx(y)
    policy = make_run(tmp_path / "moves", lines_of(400, 128, 0.6, 300))
    assert cli.main(["report", str(run), str(policy)]) == 2
    assert "have no page in common" in capsys.readouterr().err


def test_a_run_that_teaches_values_is_drawn_with_what_it_is_taught_and_held_out_games(
    tmp_path: Path, drawn: list[Figure], capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path / "values", value_lines(400))
    assert cli.main(["report", str(run)]) == 0
    assert (run / "report.png").read_bytes().startswith(b"\x89PNG")
    error, winner = drawn[0].axes
    curves = [np.asarray(line.get_ydata()).tolist() for line in error.get_lines()]
    assert [0.8, 0.8] in curves, "held-out games"
    assert [0.95, 0.95] in curves, "a constant"
    assert [1 - step / 1000 for step in range(50, 401, 50)] in curves, "what is taught"
    assert [70.0, 70.0] in [np.asarray(line.get_ydata()).tolist() for line in winner.get_lines()]
    capsys.readouterr()

    policy = make_run(tmp_path / "moves", lines_of(400, 128, 0.6, 300))
    assert cli.main(["report", str(run), str(policy)]) == 2
    assert "have no page in common" in capsys.readouterr().err
    assert cli.main(["report", str(run), "--out", str(tmp_path / "page.html")]) == 2
    assert "ends in .png or .svg" in capsys.readouterr().err
