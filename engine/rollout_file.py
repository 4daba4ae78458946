"""Files of learned rollout and tree policies: one `.npz` without pickles, of less than a megabyte.

Beside its arrays it holds a JSON header, so that a file of another kind or version is told apart before anything else
is read. The zip container carries a checksum of every array.
"""

from __future__ import annotations

import difflib
import io
import json
import os
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.rollout_tables import Vocabulary
from gozero.data_files import data_dir
from gozero.durable import write_durably
from gozero.errors import GozeroError

FORMAT: Final = "gozero-rollout"
VERSION: Final = 1
"""Raised whenever a feature changes its meaning or its place."""
AUTO: Final = "auto"

_ARRAYS: Final = {
    "patterns": np.uint32,
    "responses": np.uint64,
    "diamonds": np.uint64,
    "rollout_values": np.float16,
    "tree_values": np.float16,
}


class RolloutFileError(GozeroError):
    """A weights file that is missing, damaged, or not for this program."""


@dataclass(frozen=True, eq=False)
class RolloutWeights:
    """A rollout policy and the tree policy that goes with it.

    Attributes:
        name: such as "rollout-19".
        size: the board that the games it learned from were played on; it plays on every size.
        vocabulary: which patterns have a value of their own.
        rollout_values: float32[vocabulary.rollout_features], the value of every feature of the rollout policy.
        tree_values: float32[vocabulary.tree_features], the same of the tree policy.
        facts: what it was trained on and what it reached; for people.
    """

    name: str
    size: int
    vocabulary: Vocabulary
    rollout_values: NDArray[np.float32]
    tree_values: NDArray[np.float32]
    facts: dict[str, Any] = field(default_factory=dict)


def save(path: str | os.PathLike[str], weights: RolloutWeights) -> None:
    """Writes a weights file, complete or not at all; values are rounded to 16 bits."""
    path = Path(path)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "name": weights.name,
        "size": weights.size,
        "facts": weights.facts,
    }
    vocabulary = weights.vocabulary
    arrays: dict[str, NDArray[Any]] = {
        "header": np.frombuffer(json.dumps(header).encode(), np.uint8),
        "patterns": vocabulary.patterns,
        "responses": vocabulary.responses,
        "diamonds": vocabulary.diamonds,
        "rollout_values": weights.rollout_values.astype(np.float16),
        "tree_values": weights.tree_values.astype(np.float16),
    }
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    write_durably(path, content.getvalue())


def load(path: str | os.PathLike[str]) -> RolloutWeights:
    """Reads a weights file.

    Raises:
        RolloutFileError: it is missing, damaged, of another version, or no such file at all.
    """
    path = Path(path)
    if not path.is_file():
        raise RolloutFileError(f"there is no rollout file {path}; shipped: {_names(shipped())}")
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            header = json.loads(bytes(file["header"]))
            _check_header(header, path)
            arrays = {name: file[name] for name in _ARRAYS}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise RolloutFileError(
            f"{path} is damaged or no rollout file ({' '.join(str(error).split())[:120]}): get or train it again"
        ) from None
    vocabulary = Vocabulary(arrays["patterns"], arrays["responses"], arrays["diamonds"])
    expected = (vocabulary.rollout_features, vocabulary.tree_features)
    kinds = {name: array.dtype for name, array in arrays.items()}
    if kinds != _ARRAYS or (len(arrays["rollout_values"]), len(arrays["tree_values"])) != expected:
        raise RolloutFileError(f"{path} is damaged (its arrays do not fit together): get or train it again")
    values = {name: arrays[name].astype(np.float32) for name in ("rollout_values", "tree_values")}
    if not all(np.isfinite(array).all() for array in values.values()):
        raise RolloutFileError(f"{path} holds what is no number: its training diverged, so train it again")
    return RolloutWeights(header["name"], header["size"], vocabulary, facts=header["facts"], **values)


def shipped() -> list[Path]:
    """The weights files that come with the program, by name."""
    return sorted((data_dir() / "rollouts").glob("*.npz"))


def find(name: str, size: int) -> Path:
    """The file of a shipped name ("rollout-19"), of "auto" (the one learned on the board nearest to `size`), or a path.

    Raises RolloutFileError.
    """
    ships = {path.stem: path for path in shipped()}
    if name == AUTO:
        if not ships:
            raise RolloutFileError(f"{data_dir() / 'rollouts'} is empty: install gozero again")
        return min(ships.values(), key=lambda path: abs(int(path.stem.rpartition("-")[2]) - size))
    if name in ships:
        return ships[name]
    path = Path(name)
    if path.suffix != ".npz" and len(path.parts) == 1:
        near = difflib.get_close_matches(name, ships, n=1)
        hint = f"did you mean {near[0]}?" if near else f"shipped: {_names(list(ships.values()))}"
        raise RolloutFileError(f"there are no rollouts {name}; {hint} (a file is named by its path)")
    if not path.is_file():
        raise RolloutFileError(f"there is no rollout file {path}; shipped: {_names(list(ships.values()))}")
    return path


def _check_header(header: Any, path: Path) -> None:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise RolloutFileError(f"{path} is no rollout file of this program")
    if header.get("version") != VERSION:
        raise RolloutFileError(
            f"{path} is a rollout file of version {header.get('version')}, this program reads {VERSION}: "
            "get a gozero of the same age, or train it again"
        )


def _names(paths: list[Path]) -> str:
    return ", ".join(path.stem for path in paths) or "none"
