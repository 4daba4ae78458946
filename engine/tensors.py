"""Weights of a network as arrays, from the `.safetensors` file beside it, without torch."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.network_file import KEY, NetworkFileError, NetworkInfo, parse_info

_KINDS: Final = {"F16": np.float16, "F32": np.float32, "F64": np.float64}
"""What the format calls numbers that weights are; others, such as counters, are left out."""


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[np.float32]], NetworkInfo]:
    """All weights by name, and what the file says about itself.

    The layout is that of https://github.com/huggingface/safetensors: the header's length as 8 bytes, little endian, the
    header as JSON, then the numbers.

    Raises:
        NetworkFileError: it is missing, no such file, or says nothing about the network.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        start = 8 + int.from_bytes(content[:8], "little")
        header: dict[str, Any] = json.loads(content[8:start])
        text = header.pop("__metadata__", {}).get(KEY)
        tensors = {name: _tensor(content[start:], entry) for name, entry in header.items() if entry["dtype"] in _KINDS}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NetworkFileError(f"{path} is not a readable weights file ({error})") from error
    if text is None:
        raise NetworkFileError(f"{path} does not say which network it holds (no metadata {KEY!r})")
    return tensors, parse_info(text, path)


def _tensor(numbers: bytes, entry: dict[str, Any]) -> NDArray[np.float32]:
    begin, end = entry["data_offsets"]
    kind, shape = np.dtype(_KINDS[entry["dtype"]]), entry["shape"]
    if end - begin != kind.itemsize * math.prod(shape) or end > len(numbers):
        raise ValueError("it has been cut short")
    return np.frombuffer(numbers, kind.newbyteorder("<"), math.prod(shape), begin).astype(np.float32).reshape(shape)
