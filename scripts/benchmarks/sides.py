"""The processes that are measured, as seen from the one that measures."""

import json
import os
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, TextIO, cast

from scripts.benchmarks.environments import ROOT


class Side:
    """One library's store in a process of its own."""

    def __init__(self, requests: TextIO, answers: TextIO) -> None:
        self._requests = requests
        self._answers = answers

    def ask(self, do: str, **arguments: Any) -> Any:
        """Has something done and returns the answer.

        Raises:
            RuntimeError: The process ended instead; what it said went to standard error.
        """
        self._requests.write(json.dumps({"do": do, **arguments}) + "\n")
        self._requests.flush()
        line = self._answers.readline()
        if not line:
            raise RuntimeError(f"a side failed to {do}: {arguments}")
        return json.loads(line)


@contextmanager
def side(python: str, library: str, store: str, place: str, codec: str) -> Generator[Side]:
    """Starts a library's store, and ends it."""
    command = [python, "-m", "scripts.benchmarks.worker", library, store, place]
    environment = {**os.environ, "PY_KEY_VALUE_JSON": codec}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield Side(cast("TextIO", process.stdin), cast("TextIO", process.stdout))
        finally:
            process.terminate()


@contextmanager
def sides(pythons: Mapping[str, str], store: str, url: str | None, codec: str) -> Generator[dict[str, Side]]:
    """Starts every library's store: at one server, or in a directory of its own each."""
    with ExitStack() as stack:
        places = {name: url or stack.enter_context(tempfile.TemporaryDirectory()) for name in pythons}
        yield {
            name: stack.enter_context(side(python, name, store, places[name], codec))
            for name, python in pythons.items()
        }
