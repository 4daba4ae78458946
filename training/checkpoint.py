"""Checkpoints: tensors and a JSON record as safetensors, complete or absent, never pickle.

A checkpoint is one file, `step-N.safetensors`, as long as it is small. A large one has further parts beside it, which
the file names: no file is larger than `PART_BYTES`, so that a run can be carried through whatever limits files.

Names of the tensors: `network.*` weights, `average.*` their running average, `optimiser.<parameter>.<key>` state,
`rng.torch`.
"""

import json
import os
import secrets
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from gozero.durable import replace_durably
from gozero.errors import GozeroError

FORMAT = 1
"""Version of the checkpoint's layout."""
PART_BYTES = 14_900_000
"""Bytes of tensors in a file, unless a single tensor is larger."""


class CheckpointError(GozeroError):
    """A checkpoint that is missing, cut short, or made for another network."""


def path_of(folder: Path, step: int) -> Path:
    """The checkpoint file of `step` (number of finished steps)."""
    return folder / f"step-{step:08d}.safetensors"


def steps_in(folder: Path) -> list[int]:
    """Steps of the complete checkpoints in `folder`, ascending."""
    return sorted(int(path.stem.removeprefix("step-")) for path in folder.glob("step-*.safetensors"))


def save(path: Path, tensors: dict[str, Tensor], record: dict[str, Any]) -> None:
    """Write `tensors` and the JSON `record`; after a crash at any moment `path` is the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    first, *others = split(plain)
    # New names, so that an older checkpoint of the same step keeps its own parts until its file is replaced.
    token = secrets.token_hex(4)
    names = [f"{path.stem}.{token}.part{number}" for number in range(2, len(others) + 2)]
    for name, part in zip(names, others, strict=True):
        _write(path.with_name(name), part, {"format": FORMAT, "part_of": path.name})
    _write(path, first, {"format": FORMAT, **record, **({"parts": names} if names else {})})
    for old in set(path.parent.glob(f"{path.stem}.*.part*")) - {path.with_name(name) for name in names}:
        old.unlink(missing_ok=True)


def delete(path: Path) -> None:
    """Remove a checkpoint with all its parts."""
    path.unlink(missing_ok=True)
    for part in path.parent.glob(f"{path.stem}.*.part*"):
        part.unlink(missing_ok=True)


def split(tensors: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    """`tensors` in as few consecutive groups of at most `PART_BYTES` as there must be; at least one."""
    groups: list[dict[str, Tensor]] = [{}]
    room = PART_BYTES
    for name, tensor in tensors.items():
        if tensor.nbytes > room and groups[-1]:
            groups.append({})
            room = PART_BYTES
        groups[-1][name] = tensor
        room -= tensor.nbytes
    return groups


def _write(path: Path, tensors: dict[str, Tensor], record: dict[str, Any]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        save_file(tensors, temporary, metadata={"gozero": json.dumps(record)})
        replace_durably(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and JSON record of a checkpoint. Raises CheckpointError."""
    tensors, record = _read(path)
    for name in record.get("parts", []):
        tensors |= _read(path.with_name(name))[0]
    return tensors, record


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}")
    try:
        with safe_open(path, framework="pt") as file:
            record = json.loads((file.metadata() or {}).get("gozero", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, ValueError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a readable checkpoint ({error}); delete it to use an older one"
        ) from error
    if record.get("format") != FORMAT:
        raise CheckpointError(f"{path} has checkpoint format {record.get('format')}; this version reads {FORMAT}")
    return tensors, record


def pack_state(network: nn.Module, average: nn.Module | None, optimisers: list[Optimizer]) -> dict[str, Tensor]:
    """All tensors that decide how a run goes on; `average` is None where none is kept."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    if average is not None:
        tensors |= {f"average.{name}": tensor for name, tensor in average.state_dict().items()}
    for name, parameter in network.named_parameters():
        for optimiser in optimisers:
            for key, value in optimiser.state.get(parameter, {}).items():
                tensors[f"optimiser.{name}.{key}"] = value
    tensors["rng.torch"] = torch.get_rng_state()
    return tensors


def unpack_state(
    tensors: dict[str, Tensor], network: nn.Module, average: nn.Module | None, optimisers: list[Optimizer], origin: Path
) -> None:
    """Put what `pack_state` returned back in place. Raises CheckpointError when it was another network's."""
    load_weights(network, tensors, "network.", origin)
    if average is not None:
        load_weights(average, tensors, "average.", origin)
    for name, parameter in network.named_parameters():
        prefix = f"optimiser.{name}."
        state = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        owner = next(o for o in optimisers if any(parameter is p for group in o.param_groups for p in group["params"]))
        for key, value in state.items():
            # Scalars (AdamW's step count) stay where they are; the rest takes the parameter's device and memory layout.
            fits = value.shape == parameter.shape
            owner.state[parameter][key] = torch.empty_like(parameter).copy_(value) if fits else value
    torch.set_rng_state(tensors["rng.torch"])


def load_weights(network: nn.Module, tensors: dict[str, Tensor], prefix: str, origin: Path) -> None:
    """Copy the tensors called `prefix` + name into `network`; every name and shape must agree."""
    weights = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        first = " ".join(str(error).split())[:300]
        raise CheckpointError(
            f"the weights in {origin} are of another network than the configuration's: {first}"
        ) from error
