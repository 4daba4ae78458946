"""Checkpoints in several files: the same tensors back, nothing left over, nothing half read."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from gozero.durable import replace_durably
from training import checkpoint


def tensors(seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {f"t{i}": torch.randn(25 * (i + 1), generator=generator) for i in range(8)}


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "PART_BYTES", 1000)


def test_groups_are_small_and_complete(small_parts: None):
    groups = checkpoint.split({**tensors(), "large": torch.zeros(1000), "last": torch.zeros(1)})
    assert [name for group in groups for name in group] == [*tensors(), "large", "last"]
    sizes = [sum(tensor.nbytes for tensor in group.values()) for group in groups]
    assert all(size <= 1000 or len(group) == 1 for size, group in zip(sizes, groups, strict=True))
    assert len(groups) == 7
    assert checkpoint.split({}) == [{}]


def test_parts_come_back_and_go_together(tmp_path: Path, small_parts: None):
    path = checkpoint.path_of(tmp_path, 7)
    for seed in (0, 1):
        checkpoint.save(path, tensors(seed), {"step": 7})
        back, record = checkpoint.load(path)
        assert record["step"] == 7
        assert {name: tensor.tolist() for name, tensor in back.items()} == {
            name: tensor.tolist() for name, tensor in tensors(seed).items()
        }
        assert len(list(tmp_path.iterdir())) == 5
    assert all(file.stat().st_size < 3000 for file in tmp_path.iterdir())
    assert checkpoint.steps_in(tmp_path) == [7]
    checkpoint.delete(path)
    assert list(tmp_path.iterdir()) == []


def test_a_crash_between_parts_leaves_the_old_checkpoint(
    tmp_path: Path, small_parts: None, monkeypatch: pytest.MonkeyPatch
):
    path = checkpoint.path_of(tmp_path, 7)
    checkpoint.save(path, tensors(0), {"step": 7})

    def crash(temporary: Path, target: Path) -> None:
        if target == path:
            raise OSError("power cut")
        replace_durably(temporary, target)

    monkeypatch.setattr(checkpoint, "replace_durably", crash)
    with pytest.raises(OSError, match="power cut"):
        checkpoint.save(path, tensors(1), {"step": 7})
    assert torch.equal(checkpoint.load(path)[0]["t7"], tensors(0)["t7"])


def test_a_missing_part_is_named(tmp_path: Path, small_parts: None):
    path = checkpoint.path_of(tmp_path, 7)
    checkpoint.save(path, tensors(), {"step": 7})
    part = next(tmp_path.glob("*.part3"))
    part.unlink()
    with pytest.raises(checkpoint.CheckpointError, match=part.name):
        checkpoint.load(path)


def test_small_checkpoints_are_one_file(tmp_path: Path):
    path = checkpoint.path_of(tmp_path, 7)
    checkpoint.save(path, tensors(), {"step": 7})
    assert list(tmp_path.iterdir()) == [path]
