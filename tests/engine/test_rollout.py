"""Rollouts: the weights that are kept up against a slow and obvious reference, and the games that come of them."""

from __future__ import annotations

import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import _last_move, _rollout, _rollout_tables, bench_rollout, rollout_file
from engine.rollout import SHARPNESS, RolloutPolicy, ladder_boards, tracked_cells
from engine.rollout_file import RolloutFileError, RolloutWeights
from engine.rollout_tables import Vocabulary
from gozero import _board, _legality, _patterns, _tracking, _whole_board
from gozero._random import seed_state
from gozero.coords import PASS, move_index, point_at, row_col
from gozero.geometry import board_points, symmetry_table
from gozero.position import Position
from tests import reference_patterns as slow
from tests.reference_board import Place, SlowBoard
from tests.reference_features import answers, gets_away_by

SIZE = 7
NOTHING_TAKEN = np.zeros(0, np.uint32)
KINDS = ("pattern", "neighbour", "response", "save", "nakade", "which response", "self-atari", "distance", "diamond")


def made_up_weights() -> RolloutWeights:
    """Random values for half of the patterns of some random games."""
    random = np.random.default_rng(5)
    patterns, responses, diamonds = set(), set(), set()
    around = np.empty(_patterns.DIAMOND, np.uint32)
    for seed in range(12):
        for position in random_game(seed, 60):
            cells = tracked_cells(position.state)
            for point in empties(position):
                code = _patterns.seen_by(cells[point * _patterns.CELL], position.to_play)
                patterns.add(int(_patterns.canonical(code)))
            if position.moves and position.moves[-1][1] != PASS:
                _patterns.diamond_points(position.state, np.uint32(position.moves[-1][1]), around)
                code = _patterns.diamond(position.state, cells, around, position.to_play)
                responses |= {int(_rollout_tables.canonical_response(code, place)) for place in range(0, 12, 5)}
            point = empties(position)[0]
            _patterns.diamond_points(position.state, np.uint32(point), around)
            code = _patterns.diamond(position.state, cells, around, position.to_play)
            diamonds.add(int(_rollout_tables.canonical_diamond(code)))
    vocabulary = Vocabulary(
        np.array(sorted(patterns)[::2], np.uint32),
        np.array(sorted(responses)[::2], np.uint64),
        np.array(sorted(diamonds), np.uint64),
    )
    sizes = (vocabulary.rollout_features, vocabulary.tree_features)
    values = [random.normal(0, 1.2, size).astype(np.float16).astype(np.float32) for size in sizes]
    return RolloutWeights("made-up", SIZE, vocabulary, values[0], values[1])


def empties(position: Position) -> list[int]:
    return [int(p) for p in board_points(position.size) if position.state[_board.COLOUR + p * _board.WORDS] == 0]


def random_game(seed: int, moves: int, size: int = SIZE) -> list[Position]:
    """The positions of a random game, its captures likelier than chance would have them."""
    random = np.random.default_rng(seed)
    position = Position(size, rules="japanese")
    positions = [position.copy()]
    while len(positions) <= moves:
        own = position.to_play
        sensible = [p for p in empties(position) if position.legal(p) and not _legality.is_eye(position.state, p, own)]
        if not sensible:
            position.play(PASS)
        else:
            tried = [int(random.choice(sensible)) for _ in range(3)]
            taking = [p for p in tried if _takes(position, p)]
            position.play(taking[0] if taking else tried[0])
        positions.append(position.copy())
    return positions


def _takes(position: Position, point: int) -> bool:
    after = position.copy()
    after.play(point)
    return after.captured != position.captured


@pytest.fixture(scope="module")
def policy() -> RolloutPolicy:
    return RolloutPolicy(made_up_weights())


class SlowPolicy:
    """The weights of all moves from the definition of the features: dictionaries and flood fills."""

    def __init__(self, weights: RolloutWeights) -> None:
        self.weights = weights
        vocabulary = weights.vocabulary
        self.patterns = {int(code): 1 + i for i, code in enumerate(vocabulary.patterns)}
        self.responses = {int(code): vocabulary.first_response + i for i, code in enumerate(vocabulary.responses)}
        self.diamonds = {int(code): vocabulary.first_diamond + i for i, code in enumerate(vocabulary.diamonds)}

    def features(self, before: Position | None, position: Position, tree: bool) -> dict[Place, list[int]]:
        """The features of every sensible move."""
        vocabulary = self.weights.vocabulary
        own = position.to_play
        ko = int(position.state[_board.KO])
        board = SlowBoard.of(position.colours(), row_col(ko, position.size) if ko else None)
        last = [row_col(point, position.size) if point else None for _, point in reversed(position.moves[-2:])]
        found: dict[Place, list[int]] = {}
        for place in board.empties():
            if board.after(place, own) is None or board.is_eye(place, own):
                continue
            code = int(_patterns.canonical(np.uint32(slow.code(board, place, own))))
            found[place] = [self.patterns.get(code, 0)]
            if tree:
                after = board.after(place, own)
                assert after is not None
                if len(after.stones) > len(board.stones) and len(after.liberties(place)) == 1:
                    found[place].append(vocabulary.self_atari)
                for back, earlier in enumerate(last):
                    if earlier is not None:
                        down, right = abs(place[0] - earlier[0]), abs(place[1] - earlier[1])
                        distance = min(max(down + right + max(down, right) - 2, 0), 16)
                        found[place].append(vocabulary.self_atari + 1 + 17 * back + distance)
                code = int(_rollout_tables.canonical_diamond(np.uint64(slow.diamond(board, place, own))))
                if code in self.diamonds:
                    found[place].append(self.diamonds[code])
        if last and last[0] is not None:
            for place, features in self.near(board, before, last[0], own).items():
                if place in found:
                    found[place] += features
        return found

    def near(self, board: SlowBoard, before: Position | None, last: Place, own: int) -> dict[Place, list[int]]:
        vocabulary = self.weights.vocabulary
        found: dict[Place, list[int]] = {}
        code = np.uint64(slow.diamond(board, last, own))
        for i, offset in enumerate(slow.DIAMOND):
            features = found.setdefault(slow.moved(last, offset), [])
            if i < 8:
                features.append(vocabulary.first_neighbour + (i >= 4))
            response = int(_rollout_tables.canonical_response(code, i))
            if response in self.responses:
                features += [vocabulary.response, self.responses[response]]
        saves = set()
        for other in board.beside(last):
            if board.stones.get(other) == own and len(board.liberties(other)) == 1:
                for move in answers(board, other):
                    extends = move in board.liberties(other)
                    if gets_away_by(board, other, move) if extends else board.after(move, own) is not None:
                        saves.add(move)
        for move in saves:
            found.setdefault(move, []).append(vocabulary.save_atari)
        if before is not None:
            was = SlowBoard.of(before.colours())
            shape = sorted(place for place in was.stones if place not in board.stones)
            if 3 <= len(shape) <= 6:
                for move in shape:
                    found.setdefault(move, []).append(vocabulary.first_nakade + nakade_slot(shape, move, board.size))
        return found


def nakade_slot(shape: list[Place], move: Place, size: int) -> int:
    points = np.array([point_at(*place, size) for place in shape], np.uint32)
    return int(_last_move.nakade_slot(points, len(points), shape.index(move), size + 1))


def taken_by_last_move(before: Position | None, position: Position) -> NDArray[np.uint32]:
    if before is None:
        return NOTHING_TAKEN
    return np.array([p for p in empties(position) if before.state[_board.COLOUR + p * _board.WORDS]], np.uint32)


@pytest.mark.nojit
def test_weights_and_logits_are_the_references(policy: RolloutPolicy) -> None:
    reference = SlowPolicy(policy.weights)
    kinds = set()
    for seed in (20, 21, 22):
        for before, position in pairwise([None, *random_game(seed, 70)]):
            assert position is not None
            taken = taken_by_last_move(before, position)
            cells = tracked_cells(position.state)
            weights = policy.move_weights(position.state, cells, taken)
            logits = policy.tree_logits(position.state, cells, taken)
            features = reference.features(before, position, tree=False)
            values = SHARPNESS * policy.weights.rollout_values
            expected = {place: values[which].sum() for place, which in features.items()}
            scale = _rollout_scale(policy)
            for place in np.ndindex(SIZE, SIZE):
                weight = weights[place[0] * SIZE + place[1]]
                if place not in expected:
                    assert weight == 0
                else:
                    assert weight == pytest.approx(scale * np.exp(expected[place]), rel=1e-4)
            for place, which in reference.features(before, position, tree=True).items():
                logit = logits[place[0] * SIZE + place[1]]
                assert logit == pytest.approx(policy.weights.tree_values[which].sum(), abs=1e-4)
                kinds |= {_kind(policy.weights.vocabulary, feature) for feature in which}
            assert np.count_nonzero(np.isfinite(logits)) == len(expected)
    assert kinds == set(KINDS)


def _rollout_scale(policy: RolloutPolicy) -> float:
    values = policy.weights.rollout_values[: policy.weights.vocabulary.first_neighbour]
    return float(2**30 / np.exp(SHARPNESS * values.max()))


def _kind(vocabulary: Vocabulary, feature: int) -> str:
    starts = [
        0,
        vocabulary.first_neighbour,
        vocabulary.response,
        vocabulary.save_atari,
        vocabulary.first_nakade,
        vocabulary.first_response,
        vocabulary.self_atari,
        vocabulary.self_atari + 1,
        vocabulary.first_diamond,
    ]
    return [kind for kind, start in zip(KINDS, starts, strict=True) if feature >= start][-1]


def step_by_step(policy: RolloutPolicy, start: Position, seed: int, most: int) -> tuple[int, int]:
    """One rollout by the kernels' parts, everything checked against working it out anew; returns lead and length."""
    state = start.state.copy()
    game = _tracking.tracked(start.size)
    _tracking.track(state, game.cells)
    cells = game.cells
    points = len(cells) // _patterns.CELL
    table, keys, rows, factors = policy.drawn_by
    weights, fresh_weights = np.empty((2, points), np.uint32), np.empty((2, points), np.uint32)
    blocks, fresh_blocks = (np.empty((2, (points >> 4) + 1), np.int64) for _ in range(2))
    _rollout.spread(cells, table, weights, blocks)
    boards, around = ladder_boards(state), np.empty(_patterns.DIAMOND, np.uint32)
    listed, slots = (np.empty(_last_move.MOST_LOCAL, np.int64) for _ in range(2))
    near, lifted, values = (np.empty(_last_move.MOST_LOCAL + 1, kind) for kind in (np.int64, np.uint32, np.float64))
    rng = seed_state(seed)
    taken = length = 0
    state[_board.PASSES] = 0
    while state[_board.PASSES] < 2 and length < most:
        colour = int(state[_board.TO_PLAY])
        count = _last_move.list_local(state, cells, keys, rows, game.taken, taken, boards, around, listed, slots)
        forbidden = _rollout.forbidden_point(state)
        scores = policy.move_weights(state, cells, game.taken[:taken])
        count = _rollout.lift(
            weights, blocks, colour - 1, forbidden, listed, slots, count, factors, near, lifted, values
        )
        point = int(_rollout.draw(weights, blocks, colour - 1, near, values, count, rng))
        _rollout.lower(weights, blocks, colour - 1, near, lifted, count)
        if point == PASS:
            assert not scores.any()
        else:
            assert scores[move_index(point, start.size)] > 0
            assert _legality.is_legal(state, point, colour)
            assert not _legality.is_eye(state, point, colour)
        changes, taken = _tracking.play_tracked(state, cells, game.changed, game.taken, game.waiting, point, colour)
        _rollout.respread(cells, game.changed, changes, table, weights, blocks)
        _rollout.spread(tracked_cells(state), table, fresh_weights, fresh_blocks)
        assert np.array_equal(weights, fresh_weights)
        assert np.array_equal(blocks, fresh_blocks)
        length += 1
    black, white = _whole_board.area(state)
    return black - white, length


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_rollout_is_what_its_parts_make_of_it(policy: RolloutPolicy, seed: int) -> None:
    start = random_game(seed, 10)[-1]
    leads, lengths = policy.rollouts(start.state, 1, seed)
    assert step_by_step(policy, start, seed, 3 * SIZE * SIZE) == (leads[0], lengths[0])


@pytest.mark.nojit
def test_rollouts_leave_the_board_alone_and_follow_the_seed(policy: RolloutPolicy) -> None:
    position = random_game(3, 12)[-1]
    before = position.state.copy()
    first, second = policy.rollouts(position.state, 20, 4), policy.rollouts(position.state, 20, 4)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, policy.rollouts(position.state, 20, 5))
    assert np.array_equal(position.state, before)
    with ThreadPoolExecutor(2) as threads:
        parts = [threads.submit(policy.rollouts, position.state, count, 4) for count in (20, 7)]
    for part, count in zip(parts, (20, 7), strict=True):
        assert np.array_equal(part.result()[0], first[0][:count])


@pytest.mark.parametrize("size", [1, 2, 3, 13, 25])
def test_rollouts_end_on_every_board(policy: RolloutPolicy, size: int) -> None:
    leads, lengths = policy.rollouts(Position(size).state, 5, 0)
    assert (np.abs(leads) <= size * size).all()
    assert (lengths >= 2).all()
    assert (lengths <= max(3 * size * size, 2)).all()


@pytest.mark.nojit
def test_moves_are_drawn_in_proportion(policy: RolloutPolicy) -> None:
    position = random_game(22, 31)[-1]
    weights = policy.move_weights(position.state, tracked_cells(position.state), NOTHING_TAKEN)
    drawn = np.zeros(SIZE * SIZE)
    for seed in range(4000):
        # The cap of one move shows which one it was.
        after = position.state.copy()
        drawn[move_index(first_move(policy, after, seed), SIZE)] += 1
    expected = 4000 * weights / weights.sum()
    common = expected > 5
    chi_square = ((drawn - expected)[common] ** 2 / expected[common]).sum()
    assert chi_square < common.sum() + 5 * np.sqrt(2 * common.sum())
    assert drawn[~common].sum() < 200


def first_move(policy: RolloutPolicy, state: NDArray[np.uint32], seed: int) -> int:
    cells = tracked_cells(state)
    points = len(cells) // _patterns.CELL
    weights, blocks = np.empty((2, points), np.uint32), np.empty((2, (points >> 4) + 1), np.int64)
    table, keys, rows, factors = policy.drawn_by
    _rollout.spread(cells, table, weights, blocks)
    listed, slots = (np.empty(_last_move.MOST_LOCAL, np.int64) for _ in range(2))
    near, lifted, values = (np.empty(_last_move.MOST_LOCAL + 1, kind) for kind in (np.int64, np.uint32, np.float64))
    around = np.empty(_patterns.DIAMOND, np.uint32)
    count = _last_move.list_local(
        state, cells, keys, rows, NOTHING_TAKEN, 0, ladder_boards(state), around, listed, slots
    )
    side = int(state[_board.TO_PLAY]) - 1
    forbidden = _rollout.forbidden_point(state)
    count = _rollout.lift(weights, blocks, side, forbidden, listed, slots, count, factors, near, lifted, values)
    return int(_rollout.draw(weights, blocks, side, near, values, count, seed_state(seed)))


@pytest.mark.nojit
def test_nakade_shapes_are_the_same_turned() -> None:
    shape = [(2, 2), (2, 3), (2, 4), (3, 3)]
    table = symmetry_table(9)
    slots = {
        tuple(nakade_slot(turned, turned[i], 9) for i in range(len(shape)))
        for symmetry in range(8)
        for turned in [[divmod(int(table[symmetry, row * 9 + column]), 9) for row, column in shape]]
    }
    assert len(slots) == 1
    middle_and_ends = slots.pop()
    assert middle_and_ends[1] not in (middle_and_ends[0], middle_and_ends[3])
    assert middle_and_ends[0] == middle_and_ends[2]


@pytest.mark.nojit
def test_liberties_after_a_move_are_those_of_the_board_after_it() -> None:
    seen = set()
    for seed in (30, 31, 32):
        for position in random_game(seed, 70):
            cells = tracked_cells(position.state)
            board = SlowBoard.of(position.colours())
            for place in board.empties():
                after = board.after(place, position.to_play)
                if after is None:
                    continue
                point = np.uint32(point_at(*place, SIZE))
                count = int(_last_move.liberties_after(position.state, cells, point, position.to_play))
                takes = len(after.stones) <= len(board.stones)
                assert not takes or count in (3, _last_move.UNSURE)
                if count == _last_move.UNSURE:
                    assert takes or len(after.liberties(place)) >= 2
                else:
                    assert count == min(3, len(after.liberties(place)))
                seen.add((count, takes))
    assert {(1, False), (2, False), (3, False), (_last_move.UNSURE, False), (_last_move.UNSURE, True)} <= seen


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_file_gives_back_what_was_saved(tmp_path: Path) -> None:
    weights = made_up_weights()
    rollout_file.save(tmp_path / "made-up.npz", weights)
    loaded = rollout_file.load(tmp_path / "made-up.npz")
    assert np.array_equal(loaded.rollout_values, weights.rollout_values)
    assert np.array_equal(loaded.tree_values, weights.tree_values)
    assert np.array_equal(loaded.vocabulary.responses, weights.vocabulary.responses)
    assert (loaded.name, loaded.size) == (weights.name, weights.size)
    assert [path.name for path in tmp_path.iterdir()] == ["made-up.npz"]


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, part: float) -> None:
    whole = rollout_file.shipped()[0].read_bytes()
    path = tmp_path / "cut.npz"
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(RolloutFileError, match=r"cut\.npz is damaged or no rollout file .*: get or train it again"):
        rollout_file.load(path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    content = bytearray(rollout_file.shipped()[0].read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(RolloutFileError, match="damaged"):
        rollout_file.load(tmp_path / "bad.npz")


def rewritten(path: Path, **changes: object) -> Path:
    """The shipped file with another header."""
    with np.load(rollout_file.shipped()[0]) as file:
        arrays = dict(file)
    header = {**json.loads(bytes(arrays.pop("header"))), **changes}
    np.savez(path, header=np.frombuffer(json.dumps(header).encode(), np.uint8), allow_pickle=False, **arrays)
    return path


def test_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RolloutFileError, match=r"version 2, this program reads 1: get a gozero of the same age"):
        rollout_file.load(rewritten(tmp_path / "new.npz", version=2))
    with pytest.raises(RolloutFileError, match="is no rollout file of this program"):
        rollout_file.load(rewritten(tmp_path / "other.npz", format="something"))


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("hello")
    with zipfile.ZipFile(tmp_path / "zip.npz", "w") as archive:
        archive.writestr("hello.txt", "hello")
    for name in ("text.npz", "zip.npz"):
        with pytest.raises(RolloutFileError, match="no rollout file"):
            rollout_file.load(tmp_path / name)
    with pytest.raises(RolloutFileError, match="there is no rollout file"):
        rollout_file.load(tmp_path / "missing.npz")


def test_shipped_rollouts_are_found_by_board_and_name() -> None:
    assert rollout_file.find("auto", 9).stem == "rollout-9"
    assert rollout_file.find("auto", 13).stem == "rollout-9"
    assert rollout_file.find("auto", 19).stem == "rollout-19"
    assert rollout_file.find("rollout-9", 19).stem == "rollout-9"
    with pytest.raises(RolloutFileError, match="did you mean rollout-19"):
        rollout_file.find("rollout_19", 19)


@pytest.mark.parametrize("path", rollout_file.shipped(), ids=lambda path: path.stem)
def test_shipped_rollouts_know_the_game(path: Path) -> None:
    """They are small, capture what they can, and say what they learned from."""
    assert path.stat().st_size < 1_000_000
    weights = rollout_file.load(path)
    assert weights.name == path.stem
    assert weights.facts["counts"]["patterns"] == len(weights.vocabulary.patterns)
    policy = RolloutPolicy(weights)
    position = Position(9)
    for vertex in ("A9", "E4", "J9", "D5", "A1", "F5", "E5"):
        position.play(vertex)
    weights_of_moves = policy.move_weights(position.state, tracked_cells(position.state), NOTHING_TAKEN)
    logits = policy.tree_logits(position.state, tracked_cells(position.state), NOTHING_TAKEN)
    assert np.argmax(weights_of_moves) == np.argmax(logits) == 3 * 9 + 4


def test_bench_prints_the_keys_that_are_promised(capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr(bench_rollout, "_GAMES", {9: 2, 19: 1})
    assert bench_rollout.main(["--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == {"sizes"}
    assert set(figures["sizes"]) == {"9", "19"}
    assert {"rollouts_per_s", "us_per_move"} <= set(figures["sizes"]["19"])
