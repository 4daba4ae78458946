"""Network files: an `.onnx` that says in its metadata what it is, and where the shipped ones lie.

Beside each shipped `.onnx` lies a `.safetensors` of the same name, from which training can go on.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from gozero.data_files import data_dir
from gozero.errors import GozeroError

FORMAT: Final = 1
"""Version of the metadata's layout."""
KEY: Final = "gozero"
"""Name of the metadata entry, whose value is a `NetworkInfo` as JSON, in `.onnx` and `.safetensors` alike."""
DEFAULT_SIZE: Final = 19
"""Board size of "auto" where none is said."""
COMPACT: Final = "compact"
"""The kind of network that has policy, value and ownership on one residual trunk."""
POLICY: Final = "policy"
"""The kind that AlphaGo's policy network is: no value, no pass, one board size."""
VALUE: Final = "value"
"""The kind that AlphaGo's value network is: every move equally likely, one board size, one komi."""
LEAST_SHARPNESS: Final = 0.1
"""What 15 points are worth at least to a network of kind "compact", before tanh: a tenth of a win."""
AUTO: Final = "auto"
"""The name that stands for the shipped network of the board's size."""


class NetworkFileError(GozeroError):
    """A network file that is missing, unreadable, or unfit for the board or the feature set."""


class NetworkInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a network file says about itself."""

    format: int
    name: str
    kind: str
    """"compact": policy and value on one trunk; "policy": AlphaGo's policy network, without value and pass; "value":
    its value network, without a policy."""
    feature_set: str
    feature_version: int
    globals: int
    """Length of the global input vector."""
    boards: list[int] | Literal["any"]
    """Board sizes that it plays."""
    architecture: dict[str, Any]
    parameters: int
    trained_on: dict[str, Any]
    """Sources, games, positions and steps seen."""
    results: dict[str, Any]
    """Measured accuracy and loss."""

    def supports(self, size: int) -> bool:
        """Whether it plays on boards of `size`."""
        return self.boards == "any" or size in self.boards

    def boards_text(self) -> str:
        """ "19x19", "9x9 and 13x13", "any size"."""
        if self.boards == "any":
            return "any size"
        return " and ".join(f"{size}x{size}" for size in self.boards)


def parse_info(text: str, origin: str | Path) -> NetworkInfo:
    """The metadata entry `text` of the file `origin`. Raises NetworkFileError."""
    try:
        info = msgspec.json.decode(text, type=NetworkInfo)
    except msgspec.DecodeError as error:
        raise NetworkFileError(f"{origin} is no network of this program (metadata: {error})") from error
    if info.format != FORMAT:
        raise NetworkFileError(
            f"{origin} has network format {info.format}, this version reads {FORMAT}: get a gozero of the same age"
        )
    return info


def load_metadata(path: str | os.PathLike[str]) -> NetworkInfo:
    """What the network file `path` says about itself. Raises NetworkFileError."""
    path = Path(path)
    if not path.is_file():
        raise NetworkFileError(f"there is no network file {path}; shipped: {_names(shipped())}")
    try:
        entries = _entries(memoryview(path.read_bytes()))
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise NetworkFileError(f"{path} is not a readable ONNX file: {_first_line(error)}") from error
    if KEY not in entries:
        raise NetworkFileError(
            f"{path} says nothing about its inputs (no metadata {KEY!r}): export it with gozero export"
        )
    return parse_info(entries[KEY], path)


_METADATA_PROPS: Final = 14
"""The field of ONNX's `ModelProto` with the metadata, entries of key (field 1) and value (field 2)."""


def _entries(model: memoryview) -> dict[str, str]:
    """The metadata of a model. ONNX Runtime would tell it too, after a tenth of a second and in 25 MiB.

    Raises:
        ValueError, IndexError, KeyError: these are no fields of a protocol buffer, or there is nothing.
    """
    entries: dict[str, str] = {}
    found = 0
    for field, content in _fields(model):
        found += 1
        if field == _METADATA_PROPS:
            parts = dict(_fields(content))
            entries[bytes(parts[1]).decode()] = bytes(parts.get(2, b"")).decode()
    if not found:
        raise ValueError("it is empty")
    return entries


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields of a protocol buffer by number, each as the bytes that it takes (protobuf.dev, "Encoding")."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("it has a number of more than 64 bits")

    while at < len(message):
        field, kind = divmod(number(), 8)
        start = at
        if kind == 0:
            number()
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        elif kind == 2:
            length = number()
            start = at
            at += length
        else:
            raise ValueError(f"it has a field of kind {kind}")
        if at > len(message):
            raise ValueError("it has been cut short")
        yield field, message[start:at]


def require_features(info: NetworkInfo, origin: str | Path) -> None:
    """Raise NetworkFileError unless this program computes the inputs that the network was trained on."""
    from gozero import features  # compiles nothing, but imports numba

    ours = features.FEATURE_SETS.get(info.feature_set)
    if ours is None:
        raise NetworkFileError(
            f"{origin} wants the feature set {info.feature_set!r}, which this version does not have; "
            f"it has {', '.join(features.FEATURE_SETS)}"
        )
    if ours.version != info.feature_version or len(features.GLOBALS) != info.globals:
        raise NetworkFileError(
            f"{origin} was trained on {info.feature_set} version {info.feature_version} with {info.globals} globals, "
            f"this version computes {ours.name} version {ours.version} with {len(features.GLOBALS)} globals"
        )


def shipped() -> list[Path]:
    """The network files that come with the program, by name."""
    return sorted((data_dir() / "networks").glob("*.onnx"), key=lambda path: path.stem)


def find(name: str | os.PathLike[str], size: int | None = None) -> Path:
    """The file of a shipped name ("compact-19"), of "auto" (the shipped one for boards of `size`), or of a path.

    With `size`, the network must play on such boards. Raises NetworkFileError.
    """
    if str(name) == AUTO:
        return _automatic(DEFAULT_SIZE if size is None else size)
    path = _named(name)
    if size is not None:
        info = load_metadata(path)
        if not info.supports(size):
            raise NetworkFileError(f"the network {info.name} plays on {info.boards_text()}, not on {size}x{size}")
    return path


def _named(name: str | os.PathLike[str]) -> Path:
    path = Path(name)
    if path.suffix == ".onnx" or len(path.parts) > 1:
        if not path.is_file():
            raise NetworkFileError(f"there is no network file {path}; shipped: {_names(shipped())}")
        return path
    ships = shipped()
    by_name = {ship.stem: ship for ship in ships}
    if str(name) not in by_name:
        near = difflib.get_close_matches(str(name), by_name, n=1)
        hint = f"did you mean {near[0]}?" if near else f"shipped: {_names(ships)}"
        raise NetworkFileError(f"there is no network {name}; {hint} (a file is named by its path)")
    return by_name[str(name)]


def _automatic(size: int) -> Path:
    """The shipped network for boards of `size`: one made for this size alone before one for several, and of those the
    smallest, which in the same time looks at most; of equals the first by name.

    A network that only judges positions, or only moves, is nobody's first choice: it must be asked for by name.
    """
    infos = {path: load_metadata(path) for path in shipped()}
    fitting = {path: info for path, info in infos.items() if info.supports(size) and info.kind == COMPACT}
    if not fitting:
        raise NetworkFileError(
            f"no network for {size}x{size} is shipped (there is {_names(list(infos))}); name one with --network"
        )

    def order(path: Path) -> tuple[int, int]:
        boards = fitting[path].boards
        return 1000 if boards == "any" else len(boards), fitting[path].parameters

    return min(fitting, key=order)


def _names(paths: list[Path]) -> str:
    return ", ".join(path.stem for path in paths) or "none"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
