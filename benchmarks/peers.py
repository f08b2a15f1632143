"""The peers, each in an environment of its own under `.peers/`, installed on first use from PyPI and npm."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["PEERS", "PeerAbsentError", "installed", "node_tool", "python_of"]

HERE = Path(__file__).parent / ".peers"
_PYTHON = {
    "bare": ("aiohttp==3.14.5", "uvloop==0.23.0", "orjson==3.13.0"),
    "inspect": ("inspect-ai==0.3.285", "openai==3.54.0"),
    "litellm": ("litellm[proxy]==1.105.2",),
}
# promptfoo wants a newer Node than many machines have, so the Node peers bring their own.
_NODE = {
    "promptfoo": ("promptfoo@0.123.1", "node@22.23.3"),
    "portkey": ("@portkey-ai/gateway@1.15.2", "node@22.23.3"),
}
# With a newer one within the range it names, Portkey answers every stream with a 500.
_OVERRIDES = {"portkey": {"@hono/node-server": "1.13.8"}}
_TOOLS = {"promptfoo": "promptfoo", "portkey": "gateway"}
PEERS = (*_PYTHON, *_NODE)


class PeerAbsentError(Exception):
    """It could not be installed; the message says why."""


def installed(name: str) -> dict[str, str]:
    """Install a peer unless it is there, and say what versions it consists of. Raises `PeerAbsentError`."""
    wanted = _PYTHON.get(name) or _NODE[name]
    folder, stamp = HERE / name, HERE / f"{name}.installed.json"
    if not stamp.exists() or json.loads(stamp.read_text())["wanted"] != list(wanted):
        print(f"installing {', '.join(wanted)} …", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        versions = (_install_python if name in _PYTHON else _install_node)(folder, wanted)
        stamp.write_text(json.dumps({"wanted": list(wanted), "versions": versions}))
    return dict(json.loads(stamp.read_text())["versions"])


def python_of(name: str) -> str:
    """The interpreter of a Python peer."""
    return str(HERE / name / "bin" / "python")


def node_tool(name: str) -> tuple[str, str]:
    """The runtime of a Node peer, and its command."""
    modules = HERE / name / "node_modules"
    return str(modules / ".bin" / "node"), str((modules / ".bin" / _TOOLS[name]).resolve())


def _install_python(folder: Path, wanted: tuple[str, ...]) -> dict[str, str]:
    _done([sys.executable, "-m", "venv", str(folder)])
    python = str(folder / "bin" / "python")
    _done([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted])
    listed = json.loads(_done([python, "-m", "pip", "list", "--disable-pip-version-check", "--format=json"]))
    names = {re.split(r"\[|==", requirement)[0] for requirement in wanted}
    return {row["name"]: row["version"] for row in listed if row["name"].replace("_", "-") in names}


def _install_node(folder: Path, wanted: tuple[str, ...]) -> dict[str, str]:
    if shutil.which("npm") is None:
        raise PeerAbsentError("there is no npm on this machine")
    (folder / "package.json").write_text(json.dumps({"private": True, "overrides": _OVERRIDES.get(folder.name, {})}))
    _done(["npm", "install", "--no-fund", "--no-audit", "--silent", "--prefix", str(folder), *wanted])
    node, tool = node_tool(folder.name)
    package = wanted[0].rpartition("@")[0]
    return {
        "node": _done([node, "--version"]).strip().lstrip("v"),
        package: _package_version(Path(tool), package),
        **_OVERRIDES.get(folder.name, {}),
    }


def _package_version(tool: Path, name: str) -> str:
    for parent in tool.parents:
        manifest = parent / "package.json"
        if manifest.exists() and (read := json.loads(manifest.read_text())).get("name") == name:
            return str(read["version"])
    return "unknown"


def _done(command: list[str]) -> str:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise PeerAbsentError(f"{Path(command[0]).name}: {problem}") from None
    if ran.returncode != 0:
        last = (ran.stderr or ran.stdout).strip().splitlines()[-1:] or ["no word"]
        why = re.sub(r"\S*/\S*", "…", last[0])[:200]  # no host and no path of this machine goes into a result
        raise PeerAbsentError(f"{Path(command[0]).name} {' '.join(command[1:4:2])} failed: {why}")
    return ran.stdout
