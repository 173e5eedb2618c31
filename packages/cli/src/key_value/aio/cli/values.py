"""Read the value to store."""

import json
import sys
from pathlib import Path
from typing import Any, cast

from key_value.aio.cli.running import UsageError


def read_value(text: str | None, file: Path | None) -> dict[str, Any]:
    """Return the value, given as JSON in an argument, a file or stdin.

    Args:
        text: The argument; None or `-` reads stdin, unless there is a file.
        file: The file.

    Raises:
        UsageError: There are two values, or the value is not a JSON object. The message does not quote it.
    """
    if file is not None and text is not None:
        raise UsageError("Provide the value either as an argument or with --file, not both")
    try:
        value: object = json.loads(_read(text, file))
    except UnicodeDecodeError:
        raise UsageError("The value is not UTF-8") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UsageError(f"The value is not JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise UsageError("The value is nested too deeply") from None
    if not isinstance(value, dict):
        raise UsageError("The value must be a JSON object")
    return cast("dict[str, Any]", value)


def _read(text: str | None, file: Path | None) -> str:
    if file is not None:
        return file.read_text("utf-8")
    return sys.stdin.buffer.read().decode() if text is None or text == "-" else text
