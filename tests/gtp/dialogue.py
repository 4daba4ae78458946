r"""Dialogues between a Go program and the engine, as text, and how they are replayed.

`> LINE` is what the program sends, as it is. What follows up to the next such line is the reply: to the letter, but for
words in braces, which stand for a pattern (`PATTERNS`); lines after its first are indented. A reply of analysis lines
stays open until the next line is sent. Lines that start with `#` are comments; `lines end in CR LF`, `wait for WORDS`
(on stderr) and `pause` say what else the program does.
"""

from __future__ import annotations

import contextlib
import queue
import re
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

VERTEX = r"[A-HJ-Z][1-9][0-9]?"
POINT = rf"(?:{VERTEX}|pass)"
DECIMAL = r"-?[0-9]+\.[0-9]+"
SHARE = r"-?[01]\.[0-9]{2}"
KATA_VALUES = rf"winrate {DECIMAL} scoreMean {DECIMAL} scoreStdev {DECIMAL} scoreLead {DECIMAL}"
TAIL = rf"order [0-9]+ pv {POINT}(?: {POINT})*"
KATA_INFO = rf"info move {POINT} visits [0-9]+ {KATA_VALUES} prior {DECIMAL} lcb {DECIMAL} {TAIL}"
LZ_INFO = rf"info move {POINT} visits [0-9]+ winrate [0-9]+ prior [0-9]+ lcb [0-9]+ {TAIL}"
ROOT_INFO = rf" rootInfo visits [0-9]+ {KATA_VALUES}"
PV_VISITS = r" pvVisits(?: [0-9]+)+"
OWNERSHIP = rf" ownership(?: {DECIMAL})+"
KATA_LINE = rf"{KATA_INFO}(?: {KATA_INFO})*"
KATA_LINE_WITH_PV_VISITS = rf"{KATA_INFO}{PV_VISITS}(?: {KATA_INFO}{PV_VISITS})*"
LZ_LINE = rf"{LZ_INFO}(?: {LZ_INFO})*"

PATTERNS = {
    "version": r"[0-9]+\.[0-9]+",
    "number": r"-?[0-9]+(?:\.[0-9]+)?",
    "vertex": VERTEX,
    "2 vertices": rf"{VERTEX} {VERTEX}",
    "4 vertices": rf"{VERTEX}(?: {VERTEX}){{3}}",
    "move": rf"(?:{POINT}|resign)",
    "moves": rf"{POINT}(?: {POINT})*",
    "score": r"(?:[BW]\+[0-9]+(?:\.5)?|0)",
    "chains": rf"(?:{VERTEX}(?:[ \n]{VERTEX})*)?",
    "labels": rf"{VERTEX} [0-9]+(?: {VERTEX} [0-9]+)*",
    "shares": rf"{VERTEX} {SHARE}(?: {VERTEX} {SHARE})*",
    "9 rows of shares": rf"{SHARE}(?: {SHARE}){{8}}(?:\n{SHARE}(?: {SHARE}){{8}}){{8}}",
    "gfx": rf"(?:(?:SQUARE|TRIANGLE) {VERTEX}(?: {VERTEX})*\n)*TEXT .+",
    "board": r"(?:\n[^\n]*\S[^\n]*)+",
    "analyze commands": r"[a-z]+/[A-Z][A-Za-z ]*/[a-z][a-z_%m -]*(?:\n[a-z]+/[A-Z][A-Za-z ]*/[a-z][a-z_%m -]*)+",
    "lz lines": rf"(?:\n{LZ_LINE})+",
    "kata lines": rf"(?:\n{KATA_LINE})+",
    "kata lines with pvVisits": rf"(?:\n{KATA_LINE_WITH_PV_VISITS})+",
    "kata lines with rootInfo": rf"(?:\n{KATA_LINE}{ROOT_INFO})+",
    "kata lines with ownership": rf"(?:\n{KATA_LINE}{OWNERSHIP})+",
    "kata lines with rootInfo and ownership": rf"(?:\n{KATA_LINE}{ROOT_INFO}{OWNERSHIP})+",
}


@dataclass(frozen=True)
class Step:
    """One step of a dialogue: what is done ("send", "reply", "pause", "wait"), and with which text."""

    what: str
    text: str
    number: int


def read(path: Path) -> tuple[bytes, list[Step]]:
    """The line end of a dialogue, and its steps."""
    end, steps = b"\n", []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line == "lines end in CR LF":
            end = b"\r\n"
        elif line.startswith("> "):
            steps.append(Step("send", line[2:], number))
        elif line.startswith("wait for "):
            steps.append(Step("wait", line.removeprefix("wait for "), number))
        elif line == "pause":
            steps.append(Step("pause", "", number))
        elif line.startswith("  "):
            steps[-1] = Step("reply", f"{steps[-1].text}\n{line[2:]}", steps[-1].number)
        elif line[:1] in ("=", "?"):
            steps.append(Step("reply", line, number))
        else:
            assert line == "" or line.startswith("#"), f"{path.name}:{number}: what is {line!r}?"
    return end, steps


def pattern_of(reply: str) -> re.Pattern[str]:
    """What a reply in a dialogue stands for; the blank line at its end is left out."""
    head, _, body = reply.partition(" ")
    parts = re.split(r"\{([^{}]+)\}", body)
    texts, names = parts[::2], parts[1::2]
    if not names or (names[0] not in PATTERNS and not names[0].startswith("commands:")):
        return re.compile(re.escape(f"{head} {body}"))
    space = "" if is_stream(reply) else " "
    pattern = re.escape(head + space + texts[0])
    for name, text in zip(names, texts[1:], strict=True):
        if name.startswith("commands:"):
            pattern += (
                "".join(rf"(?=(?:.*\n)*{word}(?:\n|$))" for word in name.split()[1:]) + r"[a-z_-]+(?:\n[a-z_-]+)+"
            )
        else:
            pattern += PATTERNS[name]
        pattern += re.escape(text)
    return re.compile(pattern)


def is_stream(reply: str) -> bool:
    """Whether a reply consists of lines of analysis."""
    return re.match(r"=[0-9]* \{(?:kata|lz) lines", reply) is not None


class Talk:
    """A running engine, spoken to as a dialogue says. Whatever takes longer than `patience` seconds fails."""

    def __init__(self, process: subprocess.Popen[bytes], patience: float) -> None:
        self.process = process
        self.patience = patience
        self.errors = ""
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._readers = [threading.Thread(target=read) for read in (self._read_output, self._read_errors)]
        for reader in self._readers:
            reader.start()

    def close(self) -> None:
        """Ends the engine, if it still runs, and frees its pipes."""
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def replay(self, path: Path) -> None:
        """Goes through a dialogue; the first thing that is not as it says is an AssertionError."""
        end, steps = read(path)
        open_reply: tuple[Step, list[str]] | None = None
        for step in steps:
            place = f"{path.name}:{step.number}"
            if step.what == "send":
                assert self.process.stdin is not None
                self.process.stdin.write(step.text.encode() + end)
                self.process.stdin.flush()
                if open_reply:
                    self._finish(path.name, *open_reply)
                    open_reply = None
            elif step.what == "pause":
                time.sleep(0.3)
            elif step.what == "wait":
                self._until(lambda words=step.text: words in self.errors, f"{place}: no {step.text!r} on stderr")
            elif is_stream(step.text) and "play {" not in step.text:
                open_reply = (step, [self._line(place), self._line(place)])
            else:
                self._finish(path.name, step, [])

    def end(self) -> None:
        """Waits for the engine to end after its last reply: nothing else has been said, and the status is 0."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(self.patience) == 0, self.errors
        rest = self._lines.get(timeout=self.patience)
        assert rest == b"", f"after the end: {rest!r}"

    def _finish(self, name: str, step: Step, lines: list[str]) -> None:
        """Reads a reply to its blank line, and compares."""
        place = f"{name}:{step.number}"
        while not lines or lines[-1]:
            lines.append(self._line(place))
        said = "\n".join(lines[:-1])
        assert pattern_of(step.text).fullmatch(said), f"{place}: expected\n{step.text}\nbut the engine said\n{said}"

    def _line(self, place: str) -> str:
        try:
            line = self._lines.get(timeout=self.patience)
        except queue.Empty:
            raise AssertionError(f"{place}: no reply after {self.patience} s\n{self.errors}") from None
        assert line, f"{place}: the engine ended\n{self.errors}"
        return line.decode().removesuffix("\n")

    def _until(self, there, complaint: str) -> None:
        until = time.monotonic() + self.patience
        while not there():
            assert time.monotonic() < until, f"{complaint}:\n{self.errors}"
            time.sleep(0.01)

    def _read_output(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors += line.decode(errors="replace")
