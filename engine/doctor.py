"""`gozero doctor`: what the engine stands on here, and what would keep it from starting."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from gozero.errors import GozeroError
from gozero.version import __version__

LIBRARIES: Final = ("numpy", "numba", "llvmlite", "onnxruntime", "msgspec", "sgfmill", "rich", "pyyaml")
TRAINING_LIBRARIES: Final = ("torch", "safetensors", "onnx", "tensorboard")
MIN_PYTHON: Final = (3, 11)
# What tells processors apart in speed: the vector units that the networks run on.
VECTOR_UNITS: Final = ("avx", "avx2", "fma", "avx512f", "avx512vnni", "amx-int8", "neon", "sve")
ANY_SIZE: Final = 9
SPEED_VISITS: Final = 200

EPILOG = """\
Exits with status 1 if something would keep the engine from starting.

example:
  gozero doctor --warm     compile the kernels now, so that no game has to wait for it"""


def main(argv: list[str]) -> int:
    """Run the command and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="gozero doctor",
        description="What would keep the engine from starting.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--warm", action="store_true", help="compile all kernels (a minute, once)")
    parser.add_argument("--json", action="store_true", help="print what was found as one JSON object")
    options = parser.parse_args(argv)
    found = examine(warm=options.warm)
    print(json.dumps(found) if options.json else report(found))
    return 1 if found["problems"] else 0


def examine(warm: bool = False) -> dict[str, Any]:
    """Everything that `doctor` knows, ready for JSON. `problems` are sentences; where there are none the engine starts.

    With `warm` the kernels are compiled first, with progress on stderr.
    """
    problems: list[str] = []
    found: dict[str, Any] = {
        "gozero": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "program": sys.executable,
        "libraries": _libraries(LIBRARIES),
        "training_libraries": _libraries(TRAINING_LIBRARIES),
        "problems": problems,
    }
    if sys.version_info < MIN_PYTHON:
        problems.append(f"Python {found['python']} is too old: 3.11 or newer is needed")
    missing = [name for name, number in found["libraries"].items() if number is None]
    if missing:
        problems.append(f"missing: {', '.join(missing)}; install gozero again in this environment")
        return found
    found["cpu"] = _cpu()
    found["kernels"] = _kernels(warm, problems)
    found["networks"] = _networks(problems)
    if found["kernels"]["compiled"] and found["networks"] and not problems:
        found["speed"] = _speed(found["networks"][0], problems)
    return found


def _libraries(names: tuple[str, ...]) -> dict[str, str | None]:
    versions: dict[str, str | None] = {}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return versions


def _cpu() -> dict[str, Any]:
    import llvmlite.binding as llvm  # numba's compiler knows what it compiles for, on every system

    features = llvm.get_host_cpu_features()
    return {
        "name": llvm.get_host_cpu_name(),
        "cores": _usable_cores(),
        "vector_units": [unit for unit in VECTOR_UNITS if features.get(unit)],
    }


def _usable_cores() -> int:
    """The cores that this process may run on, which in a container can be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _kernels(warm: bool, problems: list[str]) -> dict[str, Any]:
    """Where compiled kernels are kept, and whether they are; with `warm` they are compiled first."""
    from engine.warm import cache_directory, is_warm

    folder = cache_directory()
    writable = _is_writable(folder)
    if not writable:
        problems.append(
            f"compiled kernels cannot be kept in {folder}: make it writable, or name another folder in NUMBA_CACHE_DIR"
        )
    elif warm:
        _compile(problems)
    return {"folder": str(folder), "writable": writable, "compiled": is_warm()}


def _is_writable(folder: Path) -> bool:
    probe = folder / f"probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def _compile(problems: list[str]) -> None:
    from engine.warm import STEPS, is_warm, warm

    if not is_warm():
        print("compiling the kernels, once for this machine (a minute or two)", file=sys.stderr, flush=True)
    done: list[str] = []

    def on_step(name: str, seconds: float) -> None:
        done.append(name)
        print(f"  {len(done)}/{len(STEPS)} {name} {seconds:.1f} s", file=sys.stderr, flush=True)

    try:
        warm(on_step)
    except Exception as error:  # noqa: BLE001 (whatever it is, it would keep the engine from starting: that is the finding)
        problems.append(f"the kernels do not compile: {type(error).__name__}: {error}")


def _networks(problems: list[str]) -> list[dict[str, Any]]:
    """The shipped networks that this program can play with."""
    from engine import network_file

    found = []
    try:
        paths = network_file.shipped()
    except GozeroError as error:
        problems.append(str(error))
        return []
    for path in paths:
        try:
            info = network_file.load_metadata(path)
            network_file.require_features(info, path)
        except GozeroError as error:
            problems.append(str(error))
            continue
        found.append({"name": info.name, "file": str(path), "boards": info.boards, "parameters": info.parameters})
    if not found:
        problems.append("no network was found: install gozero again, or name one with --network")
    return found


def _speed(network: dict[str, Any], problems: list[str]) -> dict[str, Any] | None:
    """How fast the default player searches the empty board, on the smallest size that the network was made for."""
    from engine.player_file import load_player
    from engine.search import Limits
    from gozero.position import Position

    size = ANY_SIZE if network["boards"] == "any" else min(network["boards"])
    position = Position(size)
    try:
        player = load_player(size=size, network=network["file"])
        start = time.monotonic()
        result = player.search.run(position, Limits(visits=SPEED_VISITS))
        seconds = time.monotonic() - start
        player.close()
    except (GozeroError, ValueError) as error:
        problems.append(str(error))
        return None
    return {"size": size, "visits": result.visits, "visits_per_s": round(result.visits / seconds)}


def report(found: dict[str, Any]) -> str:
    """What was found, for people."""
    lines = [
        f"gozero {found['gozero']}, Python {found['python']} ({found['program']})",
        f"system      {found['system']}",
        f"libraries   {_versions(found['libraries'])}",
        f"training    {_versions(found['training_libraries'])}",
    ]
    if cpu := found.get("cpu"):
        lines.append(
            f"processor   {cpu['name']}, {cpu['cores']} cores, {' '.join(cpu['vector_units']) or 'no vector units'}"
        )
    if kernels := found.get("kernels"):
        state = "compiled" if kernels["compiled"] else "not compiled yet; gozero doctor --warm does it"
        lines.append(f"kernels     {state} ({kernels['folder']})")
    for network in found.get("networks", []):
        made_for = f"boards {_sizes(network['boards'])}, {network['parameters']:,} parameters"
        lines.append(f"network     {network['name']}: {made_for} ({network['file']})")
    if speed := found.get("speed"):
        lines.append(f"speed       {speed['visits_per_s']} visits/s on {speed['size']}x{speed['size']}")
    lines += [f"PROBLEM     {problem}" for problem in found["problems"]] or ["all is well: gozero play, gozero gtp"]
    return "\n".join(lines)


def _versions(libraries: dict[str, str | None]) -> str:
    return ", ".join(f"{name} {number or 'missing'}" for name, number in libraries.items())


def _sizes(boards: list[int] | str) -> str:
    return boards if isinstance(boards, str) else ", ".join(map(str, boards))
