"""The environments that the sides run in, each with what one user would have installed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "bench"

LIBRARIES = ("ours", "raw", "0.5.0")
"""The sides: this checkout, the drivers called by hand, and the published library."""

PACKAGES = {
    "core": "py-key-value-aio",
    "memory": "py-key-value-aio-memory",
    "sqlite": "py-key-value-aio-sqlite",
    "redis": "py-key-value-aio-redis",
}
LAYERED = ["cryptography", "opentelemetry-api", "pydantic"]
"""What wrappers and adapters need."""

PUBLISHED = "disk,memory,pydantic,redis,wrappers-encryption"
"""The extras of 0.5.0."""

DECODERS = {"stdlib": [], "jiter": ["jiter"], "pydantic_core": ["pydantic-core"]}


def prepare(codec: str) -> dict[str, str]:
    """Makes or renews the environments and returns the interpreter of each library's.

    Args:
        codec: The JSON codec that ours uses.
    """
    folders = [f"./packages/{folder}" for folder in PACKAGES]
    renewed = [f"--reinstall-package={name}" for name in PACKAGES.values()]
    return {
        "ours": _environment("ours", "--no-sources", *renewed, *folders, *LAYERED, *DECODERS[codec]),
        "raw": _environment("raw", "redis"),
        "0.5.0": _environment("0.5.0", f"py-key-value-aio[{PUBLISHED}]==0.5.0"),
    }


def _environment(name: str, *requirements: str) -> str:
    folder = CACHE / name
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    install = ["uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
    subprocess.run([*install, *requirements], check=True, cwd=ROOT)
    return str(python)
