"""Real SGF files, damaged at random: whatever becomes of them is read, or refused with the module's own error."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from gozero import record, sgf, sgf_position, sgf_tree
from gozero.record import GameRecord

SECONDS = 30
"""How long the slow test goes on; `fuzz` may be called for longer."""
_PIECES = (
    *(b"(", b")", b";", b"(;", b")(", b"[", b"]", b"\\", b"\\]", b":", b"\n", b"\r", b"\t", b"\x00", b"\xef\xbb\xbf"),
    *(b"B[]", b"W[tt]", b";B[aa]", b"AB[aa:ss]", b"AE[aa:cc]", b"AW[dd]", b"PL[W]", b"HA[9]", b"HA[2]", b"KM[375]"),
    *(b"SZ[9]", b"SZ[19:19]", b"SZ[25]", b"SZ[1]", b"GM[1]", b"FF[1]", b"CA[GBK]", b"CA[Shift_JIS]", b"CA[hz]", b"CA["),
    *(b"\x81", b"\x5c", b"\xe9", b"\xff\xfe", b"\xb0\xa1", b"\x95\\", b"AddBlack[cc]", b"C[", b"LB[aa:\\:]", b"RE[B+]"),
)
_ENCODINGS = ("latin-1", "gb18030", "cp949", "cp932", "big5", "koi8-r", "utf-8", "utf-8-sig", "utf-16")


def mutate(texts: list[bytes], seed: int) -> bytes:
    """One of the texts after one to four random accidents; the same for the same seed."""
    generator = np.random.default_rng(seed)

    def number(end: int) -> int:
        return int(generator.integers(max(1, end)))

    data = bytearray(texts[number(len(texts))])
    for _ in range(1 + number(4)):
        at, length = number(len(data)), number(2 ** number(10))
        match number(9):
            case 0:
                data[at : at + 1] = bytes([number(256)])
            case 1 | 2:
                data[at:at] = _PIECES[number(len(_PIECES))]
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + length]
            case 5:
                other = texts[number(len(texts))]
                start = number(len(other))
                data[at : at + length] = other[start : start + length]
            case 6:
                del data[at:]
            case 7:
                piece = _PIECES[number(len(_PIECES))]
                data = data.replace(_PIECES[number(len(_PIECES))], piece, 1 + number(50))
            case _:
                text = bytes(data).decode("utf-8", "replace")
                data = bytearray(text.encode(_ENCODINGS[number(len(_ENCODINGS))], "replace"))
        del data[1 << 16 :]
    return bytes(data)


def facts(game: GameRecord) -> dict[str, object]:
    return {**vars(game), "moves": game.moves.tolist(), "setup": sorted(game.setup.tolist())}


def shape(tree: sgf_tree.SgfTree) -> list[tuple[dict[str, list[bytes]], int]]:
    """Every node's properties and number of children, but for CA, which writing may change."""
    return [
        ({name: values for name, values in node.properties.items() if name != "CA"}, len(node.children))
        for node in tree.root.nodes()
    ]


def check(data: bytes) -> str:
    """Reads one text in every way; returns what became of its first game."""
    games = list(sgf.parse_each(data))
    assert games
    for game in games:
        if isinstance(game, GameRecord):
            record.fault(game)
            (copy,) = sgf.parse(sgf.write(game).encode())
            assert facts(copy) == facts(game)
    try:
        trees = sgf_tree.parse(data)
    except sgf.SgfError as error:
        return error.reason
    written = sgf_tree.write(trees)
    again = sgf_tree.parse(written)
    # Where the encoding is a guess, text outside the games, which is gone now, may have had a say in it.
    if [tree.encoding for tree in again] == [tree.encoding for tree in trees]:
        assert [shape(tree) for tree in again] == [shape(tree) for tree in trees]
    for tree in trees:
        try:
            sgf_position.play_through([node.properties for node in tree.root.main_line()])
        except sgf.SgfError as error:
            return error.reason
    return "played"


def fuzz(texts: list[bytes], seconds: float, first: int = 0) -> Counter[str]:
    """Checks damaged texts for so long; returns how many there were, by outcome."""
    outcomes: Counter[str] = Counter()
    end = time.monotonic() + seconds
    seed = first
    while time.monotonic() < end:
        try:
            outcomes[check(mutate(texts, seed))] += 1
        except BaseException as error:
            error.add_note(f"text number {seed}")
            raise
        seed += 1
    return outcomes


def base_texts(checkout: Path) -> list[bytes]:
    """The golden file, games in old encodings, and real records where there are some."""
    golden = (checkout / "tests" / "golden" / "ff4.sgf").read_bytes()
    texts = [golden]
    names = {"gb18030": "古力 常昊", "cp949": "이세돌 각", "cp932": "表示ソ十能", "koi8-r": "Русский"}
    for encoding, name in names.items():
        texts.append(f"(;CA[{encoding}]SZ[9]PB[{name}]RE[B+R];B[aa];W[bb]C[{name}])".encode(encoding))
    texts += [path.read_bytes() for path in sorted((checkout.parent / "shared" / "sgf" / "sample").glob("*.sgf"))]
    return texts


@pytest.mark.slow
def test_no_damage_makes_anything_fail_otherwise_than_by_sgf_error(checkout: Path):
    outcomes = fuzz(base_texts(checkout), SECONDS)
    assert outcomes.total() > SECONDS
    assert {"played", "broken SGF", "point off the board"} <= outcomes.keys()
