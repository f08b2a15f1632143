"""`pointsman scripted`: serve scripted models that speak the providers' protocols."""

from __future__ import annotations

from pathlib import Path

import click

from pointsman.cli.output import say, with_example

__all__ = ["command"]


@click.command(
    "scripted",
    short_help="Serve scripted models that speak the providers' protocols.",
    epilog=with_example("pointsman scripted --port 0 --seed 7 --latency 0.2:0.8 --for-s 1 --json"),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=9000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--seed", default=0, show_default=True, type=int, help="Same seed, same questions: same answers.")
@click.option(
    "--script", "script_file", type=click.Path(path_type=Path), help="YAML: model name → script; `default` for any other."
)
@click.option("--answers", "answers_file", type=click.Path(path_type=Path), help="JSON lines with input and target.")
@click.option("--input-field", default="input", show_default=True, help="Where the answers' rows hold the question.")
@click.option("--target-field", default="target", show_default=True, help="Where the answers' rows hold the right answer.")
@click.option("--latency", help="Seconds, or P50:P95, of models whose script says nothing about it.")
@click.option("--for-s", type=click.FloatRange(0), help="Stop by itself after so many seconds.")
@click.option("--json", "as_json", is_flag=True, help="Say where it listens as one line of JSON.")
def command(
    *,
    host: str,
    port: int,
    seed: int,
    script_file: Path | None,
    answers_file: Path | None,
    input_field: str,
    target_field: str,
    latency: str | None,
    for_s: float | None,
    as_json: bool,
) -> None:
    """Serve scripted models over HTTP until interrupted.

    It speaks OpenAI's chat completions, responses and embeddings, Anthropic's messages, Gemini's
    generateContent and Ollama's chat, whole and streamed, and takes any key. Any model name is
    answered. Faults are asked for by the header `x-scripted-fault: 429`, by a model name such as
    `any+stall;after=20`, by the script, or by POST /_scripted/faults. GET /_scripted/ledger says
    what was asked, sent and spent.
    """
    from pointsman.providers.scripted.answer_book import AnswerBook
    from pointsman.providers.scripted.director import Director
    from pointsman.providers.scripted.running import base_urls, serve
    from pointsman.providers.scripted.script_file import read_scripts, with_latency
    from pointsman.providers.scripted.server import ScriptedServer

    scripts = read_scripts(script_file) if script_file else {}
    if latency is not None:
        scripts = with_latency(scripts, latency)
    book = AnswerBook.read(answers_file, input_field=input_field, target_field=target_field) if answers_file else None

    def ready(base_url: str) -> None:
        urls = base_urls(base_url)
        if as_json:
            import msgspec

            click.echo(msgspec.json.encode({"base_url": base_url, **urls}).decode())
        else:
            click.echo("  ".join(f"{name} {url}" for name, url in urls.items()))
            say(f"scripted models listen on {base_url}; Ctrl-C ends")

    serve(ScriptedServer(Director(scripts, seed=seed, book=book)), host=host, port=port, on_ready=ready, for_s=for_s)
