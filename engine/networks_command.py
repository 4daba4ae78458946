"""`gozero networks`: the networks that come with the program."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.network_file import NetworkInfo, find, load_metadata, shipped


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero networks`."""
    parser = argparse.ArgumentParser(
        prog="gozero networks",
        description="List the networks that come with the program, or say what some networks are.",
        epilog="example: gozero networks --json",
    )
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="names or .onnx files (default: all shipped)")
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    options = parser.parse_args(argv)
    paths = [find(name) for name in options.networks] or shipped()
    networks = [(path, load_metadata(path)) for path in paths]
    if options.json:
        print(json.dumps([_facts(path, info) for path, info in networks]))
    else:
        _print_table(networks)
    return 0


def _facts(path: Path, info: NetworkInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "file": str(path),
        "kind": info.kind,
        "boards": info.boards,
        "features": f"{info.feature_set} {info.feature_version}",
        "architecture": info.architecture,
        "parameters": info.parameters,
        "trained_on": info.trained_on,
        "results": info.results,
    }


def _print_table(networks: list[tuple[Path, NetworkInfo]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "boards", "parameters", "positions seen", "top-1", box=None)
    for _, info in networks:
        results = info.results.get("policy") or info.results.get("validation") or {}
        top1 = f"{results['top1']:.1%}" if "top1" in results else ""
        seen = info.trained_on.get("positions_seen")
        table.add_row(info.name, info.boards_text(), f"{info.parameters:,}", f"{seen:,}" if seen else "", top1)
    Console().print(table if networks else "no networks are shipped", highlight=False)
