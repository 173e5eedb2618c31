"""The measured processes, as controlled by the measuring process."""

import json
import os
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, TextIO, cast

from scripts.benchmarks.environments import ROOT


class Side:
    """One library's store in a separate process."""

    def __init__(self, requests: TextIO, answers: TextIO) -> None:
        self._requests = requests
        self._answers = answers

    def ask(self, do: str, **arguments: Any) -> Any:
        """Send a request and return the response.

        Raises:
            RuntimeError: The process exited instead; its output is on standard error.
        """
        self._requests.write(json.dumps({"do": do, **arguments}) + "\n")
        self._requests.flush()
        line = self._answers.readline()
        if not line:
            raise RuntimeError(f"a side failed to {do}: {arguments}")
        return json.loads(line)


@contextmanager
def side(python: str, library: str, store: str, place: str, codec: str) -> Generator[Side]:
    """Start a library's store, and stop it on exit."""
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
    """Start every library's store, on one server or each in a separate directory."""
    with ExitStack() as stack:
        places = {name: url or stack.enter_context(tempfile.TemporaryDirectory()) for name in pythons}
        yield {
            name: stack.enter_context(side(python, name, store, places[name], codec))
            for name, python in pythons.items()
        }
