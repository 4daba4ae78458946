"""`gozero pack`: every kind of input, every reason to skip, and one clear sentence where it cannot go on."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from gozero import _board, _legality, coords, record, sgf
from gozero.record import GameRecord
from gozero.store import Store, encode
from training import pack
from training.archives import ArchiveError, find_inputs, read_members
from training.pack_command import main


def random_game(seed: int, size: int = 9, length: int = 40) -> GameRecord:
    """A legal game of uniformly random moves, made by the board."""
    generator = np.random.default_rng(seed)
    state = np.empty(_board.state_length(size), np.uint32)
    _board.init(state, size, False)
    moves = []
    for ply in range(length):
        colour = coords.BLACK if ply % 2 == 0 else coords.WHITE
        legal = [i for i in range(size * size) if _legality.is_legal(state, coords.point_of(i, size), colour)]
        index = int(generator.choice(legal)) if legal else size * size
        _board.play(state, coords.point_of(index, size), colour)
        moves.append(index | (record.WHITE_BIT if colour == coords.WHITE else 0))
    return GameRecord(size=size, moves=np.array(moves, np.uint16), komi=7.0, winner=coords.BLACK, ending="resign")


@pytest.fixture(scope="module")
def texts() -> list[bytes]:
    """Twelve different games as SGF."""
    return [sgf.write(random_game(seed)).encode() for seed in range(12)]


def make_tar(path: Path, members: dict[str, bytes], mode: str) -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]  # it wants a literal
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def make_file(path: Path, members: dict[str, bytes]) -> Path:
    path.write_bytes(b"\n".join(data for name, data in members.items() if name.lower().endswith(".sgf")))
    return path


def make_folder(path: Path, members: dict[str, bytes]) -> Path:
    for name, data in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


_KINDS: dict[str, Callable[[Path, dict[str, bytes]], Path]] = {
    "g.sgf": make_file,
    "folder": make_folder,
    "g.zip": make_zip,
    "g.tar": lambda path, members: make_tar(path, members, "w"),
    "g.tar.gz": lambda path, members: make_tar(path, members, "w:gz"),
    "g.tgz": lambda path, members: make_tar(path, members, "w:gz"),
    "g.tar.bz2": lambda path, members: make_tar(path, members, "w:bz2"),
    "g.tar.xz": lambda path, members: make_tar(path, members, "w:xz"),
    "misnamed.tar.gz": lambda path, members: make_tar(path, members, "w:xz"),
}


def pack_quietly(paths: Sequence[Path], out: Path, **options: object) -> pack.Report:
    return pack.pack(paths, out, workers=1, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", list(_KINDS))
def test_every_kind_of_input(tmp_path: Path, texts: list[bytes], kind: str):
    members = {f"a/{i}.SGF" if i % 2 else f"b/c/{i}.sgf": text for i, text in enumerate(texts)}
    members["a/readme.txt"] = b"(;SZ[9];B[aa])"
    path = _KINDS[kind](tmp_path / kind, members)
    report = pack_quietly([path], tmp_path / "store")
    assert (report.games, report.positions, report.skipped) == (12, 12 * 40, {})
    store = Store.open(tmp_path / "store")
    found = {bytes(store.record(i).moves) for i in range(12)}
    assert found == {bytes(random_game(seed).moves) for seed in range(12)}
    assert store.record(0).komi == 7.0
    assert store.record(0).source == ("files" if kind == "g.sgf" else kind)


def test_a_folder_may_hold_archives_and_files(tmp_path: Path, texts: list[bytes]):
    folder = make_folder(tmp_path / "mine", {"deep/one.sgf": texts[0], "note.md": b""})
    make_zip(folder / "deep" / "more.zip", {"two.sgf": texts[1]})
    make_tar(folder / "three.tar.bz2", {"three.sgf": texts[2]}, "w:bz2")
    report = pack_quietly([folder], tmp_path / "store")
    assert report.games_by_source == {"mine": 1, "more.zip": 1, "three.tar.bz2": 1}


_SKIPPED = {
    "unfinished.sgf": (b"(;SZ[9]RE[?];B[aa])", "no result"),
    "void.sgf": (b"(;SZ[9]RE[Void];B[aa])", "no result"),
    "silent.sgf": (b"(;SZ[9];B[aa])", "no result"),
    "broken.sgf": (b"(;SZ[9]RE[B+R];B[aa", "broken SGF"),
    "garbage.sgf": (b"\x00\xff\x80garbage", "no game"),
    "empty.sgf": (b"", "no game"),
    "oblong.sgf": (b"(;SZ[19:13]RE[B+R];B[aa])", "wrong size"),
    "huge.sgf": (b"(;SZ[37]RE[B+R];B[aa])", "wrong size"),
    "occupied.sgf": (b"(;SZ[9]RE[B+R];B[aa];W[aa])", "illegal move"),
    "suicide.sgf": (b"(;SZ[9]RE[B+R];B[ab];W[ee];B[ba];W[aa])", "illegal move"),
    "twice.sgf": (b"(;SZ[9]RE[B+R];B[aa];B[bb])", "colours out of turn"),
    "repair.sgf": (b"(;SZ[9]RE[B+R];B[aa];AE[aa];W[bb])", "set-up in mid-game"),
    "handicap.sgf": (b"(;SZ[9]HA[5]RE[B+R];W[aa];B[bb])", "handicap stones missing"),
    "nothing.sgf": (b"(;SZ[9]RE[B+R])", "no moves"),
    "chess.sgf": (b"(;GM[3]RE[B+R];B[aa])", "not Go"),
    "off.sgf": (b"(;SZ[9]RE[B+R];B[jj])", "point off the board"),
}


def test_every_skipped_record_has_its_name_and_reason(tmp_path: Path, texts: list[bytes]):
    members = {"good.sgf": texts[0], **{name: data for name, (data, _) in _SKIPPED.items()}}
    members["pair.sgf"] = texts[1] + b"(;SZ[9];B[bb])"
    mirrored = GameRecord(**{**vars(random_game(0)), "moves": _mirrored(random_game(0).moves)})
    members["mirrored.sgf"] = sgf.write(mirrored).encode()
    members["inner.zip"] = b"PK"
    path = make_tar(tmp_path / "g.tar.xz", members, "w:xz")
    report = pack_quietly([path], tmp_path / "store")
    assert report.games == 2
    expected = {f"{path}!{name}": reason for name, (_, reason) in _SKIPPED.items()}
    expected[f"{path}!pair.sgf#2"] = "no result"
    expected[f"{path}!mirrored.sgf"] = "duplicate"
    expected[f"{path}!inner.zip"] = "unreadable file"
    lines = (tmp_path / "store" / "skipped.tsv").read_text().splitlines()
    assert {line.split("\t")[0]: line.split("\t")[1] for line in lines} == expected
    assert report.skipped["no result"] == 4
    assert sum(report.skipped.values()) == len(expected)
    assert Store.open(tmp_path / "store").meta.skipped == report.skipped
    assert len(report.first_skipped) == 10


def _mirrored(moves: np.ndarray) -> np.ndarray:
    columns = moves % record.WHITE_BIT
    return (moves - columns) + columns // 9 * 9 + 8 - columns % 9


def test_games_without_a_result_can_be_kept(tmp_path: Path):
    path = make_file(tmp_path / "g.sgf", {"a.sgf": b"(;SZ[9];B[aa])"})
    pack_quietly([path], tmp_path / "store", settings=pack.Settings(keep_unknown_results=True))
    assert Store.open(tmp_path / "store").record(0).winner is None


def test_one_board_size_can_be_kept(tmp_path: Path):
    path = make_file(tmp_path / "g.sgf", {"a.sgf": b"(;SZ[9]RE[0];B[aa])", "b.sgf": b"(;SZ[19]RE[0];B[aa])"})
    report = pack_quietly([path], tmp_path / "store", settings=pack.Settings(sizes=(19,)))
    assert (report.games_by_size, report.skipped) == ({"19": 1}, {"wrong size": 1})


def test_the_store_does_not_depend_on_the_workers(tmp_path: Path, texts: list[bytes], monkeypatch):
    monkeypatch.setattr(pack, "_CHUNK_FILES", 2)
    members = {f"{i}.sgf": text for i, text in enumerate([*texts, texts[3], b"(;"])}
    inputs = [make_zip(tmp_path / "a.zip", members), make_tar(tmp_path / "b.tar", dict(reversed(members.items())), "w")]
    pack.pack(inputs, tmp_path / "one", workers=1)
    pack.pack(inputs, tmp_path / "two", workers=2)
    for name in ("games.npy", "moves.u16", "meta.json", "skipped.tsv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert Store.open(tmp_path / "two").meta.skipped == {"duplicate": 14, "broken SGF": 2}


def test_duplicates_leave_the_codes_of_the_others_in_place():
    games = [random_game(seed, length=5 + seed) for seed in range(4)]
    again = [games[0], games[1], games[1], games[2], games[0], games[3]]
    rows, codes = encode(again)
    openings = pack.opening_keys(rows, codes).tolist()
    packed = pack.Packed(rows, codes, [f"n{i}" for i in range(6)], openings, [])
    fresh = pack.drop_duplicates(packed, {openings[5]})
    assert fresh.names == ["n0", "n1", "n3"]
    assert [note.name for note in fresh.skipped] == ["n2", "n4", "n5"]
    starts, lengths = fresh.rows["offset"].tolist(), fresh.rows["length"].tolist()
    for kept, start, length in zip(games, starts, lengths, strict=False):
        assert fresh.codes[start : start + length].tolist() == kept.moves.tolist()
    assert fresh.codes.size == sum(lengths)


def test_progress_reaches_the_end(tmp_path: Path, texts: list[bytes]):
    path = make_tar(tmp_path / "g.tar.gz", {f"{i}.sgf": text for i, text in enumerate(texts)}, "w:gz")
    seen: list[tuple[int, int, int]] = []
    pack_quietly([path, path], tmp_path / "s", on_progress=lambda p: seen.append((p.bytes_read, p.games, p.skipped)))
    assert seen[-1] == (2 * path.stat().st_size, 12, 12)


# --- where it cannot go on -------------------------------------------------------------------------------------------


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.strip().splitlines()
    assert line.startswith("gozero: error: ")
    return line


def test_missing_path(tmp_path: Path, capsys):
    line = complaint(capsys, tmp_path / "none.zip", "--out", tmp_path / "store")
    assert f"{tmp_path / 'none.zip'} does not exist" in line


def test_unknown_kind(tmp_path: Path, capsys):
    (tmp_path / "games.rar").write_bytes(b"x")
    line = complaint(capsys, tmp_path / "games.rar", "--out", tmp_path / "store")
    assert "games.rar is no .sgf file, folder or archive (.zip, .tar," in line


def test_empty_folder(tmp_path: Path, capsys):
    (tmp_path / "empty").mkdir()
    assert "holds no .sgf file and no archive" in complaint(capsys, tmp_path / "empty", "--out", tmp_path / "store")


def test_nothing_usable(tmp_path: Path, capsys):
    (tmp_path / "g.sgf").write_text("(;SZ[9];B[aa])")
    line = complaint(capsys, tmp_path / "g.sgf", "--out", tmp_path / "store", "--workers", "1")
    assert "none of the records could be used (no result 1)" in line
    assert not (tmp_path / "store").exists()


def test_a_store_in_the_way(tmp_path: Path, capsys):
    (tmp_path / "g.sgf").write_text("(;SZ[9]RE[0];B[aa])")
    arguments = [str(tmp_path / "g.sgf"), "--out", str(tmp_path / "store"), "--workers", "1"]
    assert main(arguments) == 0
    capsys.readouterr()
    assert "give --overwrite to replace" in complaint(capsys, *arguments)
    assert main([*arguments, "--overwrite"]) == 0


@pytest.mark.parametrize("kind", ["g.zip", "g.tar", "g.tar.gz", "g.tar.bz2", "g.tar.xz"])
@pytest.mark.parametrize("damage", ["cut", "garbage", "empty"])
def test_archives_that_cannot_be_read(tmp_path: Path, texts: list[bytes], capsys, kind: str, damage: str):
    path = _KINDS[kind](tmp_path / kind, {f"{i}.sgf": text for i, text in enumerate(texts)})
    whole = path.read_bytes()
    # 512 * 13 + 100 bytes end in the middle of a header of the plain tar.
    cut = 512 * 13 + 100 if kind == "g.tar" else len(whole) // 2
    path.write_bytes({"cut": whole[:cut], "garbage": b"garbage " * 200, "empty": b""}[damage])
    line = complaint(capsys, path, "--out", tmp_path / "store", "--workers", "1")
    assert f"{path} cannot be read to its end" in line
    assert "fetch it again, or leave it out" in line
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [kind]


def test_damaged_header_in_the_middle_of_a_tar(tmp_path: Path, texts: list[bytes]):
    path = make_tar(tmp_path / "g.tar", {f"{i}.sgf": text for i, text in enumerate(texts)}, "w")
    data = bytearray(path.read_bytes())
    place = data.index(b"6.sgf\0")
    data[place : place + 200] = b"?" * 200
    path.write_bytes(data)
    (source,) = find_inputs([path])
    with pytest.raises(ArchiveError, match="cannot be read to its end"):
        list(read_members(source, lambda position: None))


def test_one_damaged_member_of_a_zip_is_skipped(tmp_path: Path, texts: list[bytes]):
    path = make_zip(tmp_path / "g.zip", {f"{i}.sgf": text for i, text in enumerate(texts)})
    data = bytearray(path.read_bytes())
    place = data.index(b"4.sgf") + 40
    data[place : place + 20] = bytes(20)
    path.write_bytes(data)
    report = pack_quietly([path], tmp_path / "store")
    assert (report.games, report.skipped) == (11, {"unreadable file": 1})
    assert report.first_skipped[0].name == f"{path}!4.sgf"


# --- the command -----------------------------------------------------------------------------------------------------


def test_json_is_one_object_and_nothing_else(tmp_path: Path, texts: list[bytes], capsys):
    path = make_file(tmp_path / "g.sgf", {f"{i}.sgf": text for i, text in enumerate([*texts, b"(;SZ[9];B[aa])"])})
    assert main([str(path), "--out", str(tmp_path / "store"), "--workers", "1", "--json"]) == 0
    captured = capsys.readouterr()
    facts = json.loads(captured.out)
    assert (facts["games"], facts["positions"], facts["skipped"]) == (12, 480, 1)
    assert facts["skipped_by_reason"] == {"no result": 1}
    assert facts["games_by_source"] == {"files": 12}
    assert facts["bytes"] == sum(file.stat().st_size for file in (tmp_path / "store").iterdir())
    assert f"skipped {path}#13: no result" in captured.err


def test_summary_for_people(tmp_path: Path, texts: list[bytes], capsys):
    path = make_zip(tmp_path / "g.zip", {"a.sgf": texts[0], "b.sgf": b"(;"})
    assert main([str(path), "--out", str(tmp_path / "store"), "--workers", "1"]) == 0
    captured = capsys.readouterr()
    assert "1 games, 40 positions" in captured.out
    assert "  broken SGF: 1" in captured.out
    assert "skipped.tsv" in captured.err


def test_bad_number_of_workers(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["x.sgf", "--out", "s", "--workers", "none"])
    assert caught.value.code == 2
    assert "'none' is not a whole number from 1" in capsys.readouterr().err


_INTERRUPTED = """
import sys
import time
from training import pack
from training.pack_command import main
opening_keys = pack.opening_keys
def slow_opening_keys(rows, codes):
    time.sleep(0.002)
    return opening_keys(rows, codes)
pack.opening_keys = slow_opening_keys
if __name__ == "__main__":
    pack._CHUNK_FILES = 1
    sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to one process")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_leaves_nothing(tmp_path: Path, texts: list[bytes], checkout: Path, workers: str):
    script = tmp_path / "interrupted.py"
    script.write_text(_INTERRUPTED)
    # Forty seconds of work, so that it goes on when the signal comes; the duplicates show that it has begun.
    path = make_tar(tmp_path / "g.tar", {f"{i}.sgf": texts[i % 12] for i in range(20_000)}, "w")
    work = tmp_path / "work"
    process = subprocess.Popen(
        [sys.executable, str(script), str(path), "--out", str(work / "store"), "--workers", workers],
        env={**os.environ, "PYTHONPATH": str(checkout)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not any(file.stat().st_size for file in work.glob("*.partial/skipped.tsv")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "stopped; nothing was written" in errors
    assert "Traceback" not in errors
    assert list(work.iterdir()) == []


def test_real_records(shared_sgf: Path, tmp_path: Path):
    """The sample of real games is packed to the last one."""
    sample = shared_sgf / "sample"
    report = pack_quietly([sample], tmp_path / "store")
    assert report.games == len(list(sample.glob("*.sgf")))
    assert report.skipped == {}
    store = Store.open(tmp_path / "store")
    assert set(store.games["size"].tolist()) == {9, 19}
    assert (store.games["handicap"] >= 2).any()
    handicapped = store.games[store.games["handicap"] >= 2]
    assert (handicapped["setup"] == handicapped["handicap"]).all()
    assert (handicapped["first"] == coords.WHITE).all()
