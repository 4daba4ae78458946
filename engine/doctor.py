"""`gozero doctor`: what the engine stands on here, and what would keep it from starting."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from gozero.cores import usable_cores
from gozero.errors import GozeroError
from gozero.version import __version__

LIBRARIES: Final = ("numpy", "numba", "llvmlite", "onnxruntime", "msgspec", "sgfmill", "rich", "pyyaml")
TRAINING_LIBRARIES: Final = ("torch", "safetensors", "onnx", "tensorboard")
MIN_PYTHON: Final = (3, 11)
# What tells processors apart in speed: the vector units that the networks run on.
VECTOR_UNITS: Final = ("avx", "avx2", "fma", "avx512f", "avx512vnni", "amx-int8", "neon", "sve")
RUNTIMES: Final = {
    "kernels": "own kernels",
    "onnxruntime": "ONNX Runtime",
    "cuda": "CUDA",
    "directml": "DirectML",
    "coreml": "CoreML",
    "torch-cuda": "torch on CUDA",
}
SPEED_SIZES: Final = (9, 19)
SPEED_VISITS: Final = 200
SPEED_SECONDS: Final = 2.0
START_SECONDS: Final = 60.0
"""An engine that has not moved so long after it was started is stuck."""

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
    found["runtime"] = _runtime(problems)
    found["kernels"] = _kernels(warm, problems)
    found["networks"] = _networks(found["kernels"]["compiled"], problems)
    if found["kernels"]["compiled"] and found["networks"] and not problems:
        found["speed"] = [_speed(size, problems) for size in SPEED_SIZES]
        found["start"] = _start(problems)
    return found


def _libraries(names: tuple[str, ...]) -> dict[str, str | None]:
    versions: dict[str, str | None] = {}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return versions


def _runtime(problems: list[str]) -> str | None:
    """What runs the networks."""
    try:
        import onnxruntime
    except ImportError as error:  # installed, but without a library of the system's that it needs
        problems.append(f"ONNX Runtime, which runs the networks, does not load: {error}")
        return None
    from engine.onnx_evaluator import CPU, providers_here

    others = [RUNTIMES[name] for name in providers_here() if name != CPU]
    return f"ONNX Runtime {onnxruntime.__version__} on {', '.join(['the CPU', *others])}"


def _cpu() -> dict[str, Any]:
    import llvmlite.binding as llvm  # numba's compiler knows what it compiles for, on every system

    features = llvm.get_host_cpu_features()
    return {
        "name": llvm.get_host_cpu_name(),
        "cores": usable_cores(),
        "vector_units": [unit for unit in VECTOR_UNITS if features.get(unit)],
    }


def _kernels(warm: bool, problems: list[str]) -> dict[str, Any]:
    """Where compiled kernels are kept, and whether they are; with `warm` they are compiled first."""
    from engine.warm import is_warm
    from gozero.jit import cache_directory

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
        print("compiling the kernels, once for this machine (about a minute)", file=sys.stderr, flush=True)
    done: list[str] = []

    def on_step(name: str, seconds: float) -> None:
        done.append(name)
        print(f"  {len(done)}/{len(STEPS)} {name} {seconds:.1f} s", file=sys.stderr, flush=True)

    try:
        warm(on_step)
    except Exception as error:  # noqa: BLE001 (whatever it is, it would keep the engine from starting: that is the finding)
        problems.append(f"the kernels do not compile: {type(error).__name__}: {error}")


def _networks(compiled: bool, problems: list[str]) -> list[dict[str, Any]]:
    """The shipped networks that this program can play with, and once kernels are compiled what runs each fastest."""
    import msgspec

    from engine import network_file, runtimes

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
            choice = msgspec.to_builtins(runtimes.choose(path)) if compiled else {}
        except GozeroError as error:
            problems.append(str(error))
            continue
        facts = {"name": info.name, "file": str(path), "boards": info.boards, "parameters": info.parameters}
        found.append(facts | choice)
    if not found:
        problems.append("no network was found: install gozero again, or name one with --network")
    return found


def _speed(size: int, problems: list[str]) -> dict[str, Any] | None:
    """How fast the player that nobody has to choose searches the empty board."""
    from engine import network_file
    from engine.player_file import load_player
    from engine.search import Limits
    from gozero.position import Position

    try:
        player = load_player(size=size)
        player.search.run(Position(size), Limits(visits=2))  # loads the compiled kernels
        start = time.monotonic()
        result = player.search.run(Position(size), Limits(SPEED_VISITS, SPEED_SECONDS))
        seconds = time.monotonic() - start
        player.close()
    except (GozeroError, ValueError) as error:
        problems.append(str(error))
        return None
    network = network_file.find(network_file.AUTO, size).stem
    return {
        "size": size,
        "network": network,
        "visits": result.new_visits,
        "visits_per_s": round(result.new_visits / seconds),
    }


def engine_command() -> list[str]:
    """The program that a Go program is given as an engine: the one installed here, by its full path."""
    program = shutil.which("gozero", path=str(Path(sys.executable).parent))
    return [program] if program else [sys.executable, "-m", "gozero"]


def _start(problems: list[str]) -> dict[str, Any] | None:
    """Starts the engine as Go programs do, in a folder that is not its own, and asks for a move on 9x9."""
    command = engine_command()
    # Without an installed program the checkout is the place from which it can be run.
    folder = Path(command[0]).parent if len(command) == 1 else Path(__file__).parents[1]
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, "gtp", "--size", "9", "--visits", "1"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    timer = threading.Timer(START_SECONDS, process.kill)
    timer.start()
    seconds, reply = [], b""
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        for line in (b"name\n", b"genmove b\n"):
            with contextlib.suppress(OSError):  # it has ended: the missing reply says so
                process.stdin.write(line)
                process.stdin.flush()
            reply = process.stdout.readline()
            process.stdout.readline()
            seconds.append(round(time.monotonic() - began, 2))
        with contextlib.suppress(OSError):
            process.stdin.close()
        said = process.stderr.read().decode(errors="replace").strip()
        timer.cancel()
    if not reply.startswith(b"= "):
        # What is killed for its slowness has said nothing wrong.
        late = (
            f"no move within {START_SECONDS:.0f} s (a busy machine?)"
            if time.monotonic() - began >= START_SECONDS
            else ""
        )
        problems.append(f"'{' '.join(command)} gtp' does not start in {folder}: {late or said or 'it ended at once'}")
        return None
    return {"command": command, "first_reply_s": seconds[0], "first_move_s": seconds[1]}


def report(found: dict[str, Any]) -> str:
    """What was found, for people."""
    lines = [
        f"gozero {found['gozero']}, Python {found['python']} ({found['program']})",
        f"system      {found['system']}",
        f"libraries   {_versions(found['libraries'])}",
        f"training    {_versions(found['training_libraries'])}",
    ]
    if runtime := found.get("runtime"):
        lines.append(f"runtime     {runtime}")
    if cpu := found.get("cpu"):
        lines.append(
            f"processor   {cpu['name']}, {cpu['cores']} cores, {' '.join(cpu['vector_units']) or 'no vector units'}"
        )
    if kernels := found.get("kernels"):
        state = "compiled" if kernels["compiled"] else "not compiled yet; gozero doctor --warm does it"
        lines.append(f"kernels     {state} ({kernels['folder']})")
    for network in found.get("networks", []):
        made_for = f"boards {_sizes(network['boards'])}, {network['parameters']:,} parameters"
        lines.append(f"network     {network['name']}: {made_for}{_runs_on(network)} ({network['file']})")
    lines += [
        f"speed       {speed['visits_per_s']} visits/s on {speed['size']}x{speed['size']} with {speed['network']}"
        for speed in found.get("speed", [])
        if speed
    ]
    if start := found.get("start"):
        times = f"first reply after {start['first_reply_s']} s, first move after {start['first_move_s']} s"
        lines += [f"start       {times}", f"attach      {_attach(start['command'])}"]
    lines += [f"PROBLEM     {problem}" for problem in found["problems"]] or ["all is well: gozero play, gozero gtp"]
    return "\n".join(lines)


def _runs_on(network: dict[str, Any]) -> str:
    """What was found to run a network fastest."""
    if "runtime" not in network:
        return ""
    speeds = [f"{RUNTIMES[name]} {speed:,.0f}/s" for name, speed in network["evaluations_per_s"].items()]
    missing = [f"not on {RUNTIMES[name]}: {reason}" for name, reason in network["left_out"].items()]
    facts = [network["reason"] or "", ", ".join(speeds), *missing]
    return f", on {RUNTIMES[network['runtime']]} ({'; '.join(filter(None, facts))})"


def _attach(command: list[str]) -> str:
    if len(command) > 1:
        return "gozero is not installed in this environment: pip install . in its folder"
    return f"in Sabaki, path: {command[0]}  arguments: gtp"


def _versions(libraries: dict[str, str | None]) -> str:
    return ", ".join(f"{name} {number or 'missing'}" for name, number in libraries.items())


def _sizes(boards: list[int] | str) -> str:
    return boards if isinstance(boards, str) else ", ".join(map(str, boards))
