"""The files to start from, written for what is found: keys in the environment, servers on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from pointsman.app.editor_schema import schema_file, schema_line, schema_text
from pointsman.core.failure import PointsmanError
from pointsman.providers.provider_row import load_provider, provider_names
from pointsman.store.journal import write_whole

__all__ = ["Candidate", "candidates", "starting_files", "write_files"]

# A model of each provider that a first run can name; the user changes it to what they use.
_FIRST_MODELS = {
    "openai": "gpt-6-luna",
    "anthropic": "claude-haiku-5-5",
    "gemini": "gemini-3.8-flash",
    "mistral": "mistral-small-latest",
    "groq": "llama-3.1-8b-instant",
    "deepseek": "deepseek-v4-flash",
    "xai": "grok-4.7",
    "ollama": "llama3.1",
}

_EXAMPLES: tuple[dict[str, object], ...] = (
    {"id": "1", "input": "What is 17 × 3? End with the number.", "target": "51", "tags": ["easy"]},
    {
        "id": "2",
        "input": "A pen costs 3 euros and a book 4 times as much. What do both cost together? End with the number.",
        "target": "15",
        "tags": ["easy"],
    },
    {
        "id": "3",
        "input": "A train leaves at 9:40 and arrives at 12:05. How many minutes does it take? End with the number.",
        "target": "145",
        "tags": ["hard"],
        "edge": True,
    },
)


class Candidate(msgspec.Struct, frozen=True):
    """A provider that could be used at once, and why."""

    provider: str
    model: str
    because: str


def candidates(environment: Mapping[str, str], local: Sequence[str] = ()) -> list[Candidate]:
    """Providers with a key in the environment, then servers found on this machine."""
    found: list[Candidate] = []
    for name, model in _FIRST_MODELS.items():
        if name not in provider_names():
            continue
        variable = next((v for v in load_provider(name).key_env if environment.get(v, "").strip()), None)
        if variable is not None:
            found.append(Candidate(name, model, f"${variable} is set"))
        elif name in local:
            found.append(Candidate(name, model, "a server answers on this machine"))
    return found


def starting_files(chosen: Sequence[Candidate], tests: str | None) -> dict[str, str]:
    """File name → content. With no provider at hand the variants are scripted, so that the first run works offline."""
    lines = ["# What the whole project shares. Keys are references to environment variables, never values.", "providers:"]
    lines += [f"  {c.provider}: {{}}   # {c.because}" for c in chosen] or ["  {}"]
    if not chosen:
        lines[-2:] = ["providers: {}"]
    project = "\n".join(lines) + "\n"
    variants = "".join(
        f"  {c.provider}: {{provider: {c.provider}, model: {c.model}, params: {{temperature: 0}}}}\n" for c in chosen
    )
    if not variants:
        variants = (
            "  # No key was found, so these are scripted. Replace them: `provider: openai`, `model: …`.\n"
            "  good: {provider: scripted, model: good, script: {quality: 0.95, latency: 1.2}}\n"
            "  fair: {provider: scripted, model: fair, script: {quality: 0.7, latency: 0.4}}\n"
        )
    baseline = chosen[0].provider if chosen else "good"
    spec = (
        "# A bake-off: `pointsman eval eval.yaml`. `--dry-run` shows what it will ask for and cost.\n"
        "name: first\n"
        f"tests: {tests or 'tests.jsonl'}   # rows with id, input, target; a hundred or more of your own real cases\n"
        f"variants:\n{variants}"
        f"baseline: {baseline}   # in service; the others must match or beat it\n"
        "scorers: [{numeric: {extract: last}}]\n"
        "criteria:\n"
        "  quality: {margin: 0.02}      # at most 2 points worse than the baseline\n"
        "  latency_p95_s: {max: 10}\n" + ("budget_usd: 1\n" if chosen else "") + "seed: 1\n"
    )
    files = {"pointsman.yaml": schema_line("pointsman") + project, "eval.yaml": schema_line("eval") + spec}
    files |= {schema_file(name): schema_text(name) for name in ("eval", "pointsman", "requirements")}
    if tests is None:
        files["tests.jsonl"] = "".join(msgspec.json.encode(row).decode() + "\n" for row in _EXAMPLES)
    return files


def write_files(folder: Path, files: Mapping[str, str], *, force: bool = False) -> list[Path]:
    """Write them all, or none (schemas are renewed). Raises `PointsmanError` if one is there already and `force` is not set."""
    there = [name for name in files if (folder / name).exists() and not name.startswith(".")]
    if there and not force:
        raise PointsmanError(f"{', '.join(there)} already there", hint="--force writes over them; --dir chooses another folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_whole(folder / name, content.encode())
    return [folder / name for name in files]
