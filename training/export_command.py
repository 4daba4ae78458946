"""`gozero export`: a run's best weights as network files."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from gozero.errors import GozeroError

_RESULTS = (
    *("top1", "top5", "nll", "mse", "mse_constant", "explained", "sign_accuracy"),
    *("score_start", "score_start_low", "score_start_high"),
)
"""Results on held-out data, or in games, that go into the metadata."""


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero export`."""
    parser = argparse.ArgumentParser(
        prog="gozero export",
        description="Write the averaged weights of a run's best checkpoint as NAME.onnx, which every player loads, and "
        "NAME.safetensors, from which training can start (--init).",
        epilog="example: gozero export --run runs/first --out my-network.onnx",
    )
    parser.add_argument("--run", required=True, metavar="DIR", help="folder of the run")
    parser.add_argument("--name", help="what the network calls itself (default: the configuration's name)")
    parser.add_argument("--out", metavar="FILE", help=".onnx file or folder (default: NAME.onnx in the run's folder)")
    parser.add_argument("--step", type=int, help="the checkpoint of this step instead of the best one")
    parser.add_argument(
        "--boards", metavar="SIZES", help="board sizes that it may play: such as 9,13, or any (default: trained size)"
    )
    parser.add_argument(
        "--results", metavar="FILE", help="JSON of `gozero eval policy --json` to carry in the metadata"
    )
    parser.add_argument("--licence", default="", help="a note on the records' licence to carry in the metadata")
    parser.add_argument(
        "--weights",
        choices=["fp32", "fp16"],
        default="fp32",
        help="how weights are stored: fp16 halves the files, players compute in fp32 all the same (default: fp32)",
    )
    options = parser.parse_args(argv)
    return _export(options)


def _export(options: argparse.Namespace) -> int:
    from training import export
    from training.run_folder import RunFolder

    folder = RunFolder(options.run)
    network, config, record = export.network_of_run(folder, options.step)
    name = options.name or config.name
    out = Path(options.out) if options.out else folder.path
    path = out if out.suffix == ".onnx" else out / f"{name}.onnx"
    results: dict[str, Any] = {}
    validation = [r for r in folder.read_metrics() if r["kind"] == "validation" and r["step"] == record["step"]]
    if validation:
        last = validation[-1]
        results["validation"] = {key: last[key] for key in _RESULTS if key in last}
    if options.results:
        results["policy"] = _read_results(options.results)
    boards = _sizes(options.boards or str(config.board_size))
    info = export.describe(network, config, record, name=name, boards=boards, results=results, licence=options.licence)
    half = options.weights == "fp16"
    export.write_onnx(network, info, path, half=half)
    export.write_weights(network, info, path.with_suffix(".safetensors"), half=half)
    size = path.stat().st_size / 1e6
    print(
        f"{path}: {info.parameters:,} parameters, {size:.2f} MB, step {record['step']}; weights beside it",
        file=sys.stderr,
    )
    return 0


def _read_results(name: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(Path(name).read_bytes(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise GozeroError(f"{name} is not what `gozero eval policy --json` prints: {error}") from error


def _sizes(text: str) -> list[int] | Literal["any"]:
    if text == "any":
        return "any"
    parts = text.split(",")
    if not all(part.strip().isdigit() and 1 <= int(part) <= 25 for part in parts):
        raise GozeroError(f"cannot read the board sizes {text!r}: write them as 9,13,19, or any")
    return sorted({int(part) for part in parts})
