"""`pointsman serve`: the gateway."""

from __future__ import annotations

from pathlib import Path

import click

from pointsman.cli.output import print_json, say, with_example

__all__ = ["command"]


@click.command(
    "serve",
    short_help="Serve the models of pointsman.yaml to OpenAI, Anthropic and Gemini clients.",
    epilog=with_example("pointsman serve --new-key"),
)
@click.option("--config", type=click.Path(path_type=Path), help="pointsman.yaml; by default the nearest one.")
@click.option("--host", help="Address to listen on, in place of the file's.")
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--admin-port", type=click.IntRange(0, 65535), help="Port of the admin listener.")
@click.option("--workers", type=click.IntRange(1, 512), help="Processes; one per core if neither this nor the file says.")
@click.option("--for-s", type=click.FloatRange(0), help="Stop by itself after so many seconds.")
@click.option("--new-key", is_flag=True, help="Make a key and the hash to write into pointsman.yaml; serve nothing.")
@click.option("--json", "as_json", is_flag=True, help="Say where it listens as one line of JSON.")
def command(
    *,
    config: Path | None,
    host: str | None,
    port: int | None,
    admin_port: int | None,
    workers: int | None,
    for_s: float | None,
    new_key: bool,
    as_json: bool,
) -> None:
    """Serve until interrupted.

    Clients change their base URL and nothing else: OpenAI's (/v1/chat/completions, /v1/responses,
    /v1/embeddings), Anthropic's (/v1/messages) and Google's (/v1beta/models/…) all reach every
    variant. SIGHUP reads the configuration again; a bad one is refused and the last good one stays.
    SIGTERM lets requests under way end and writes their records.
    """
    if new_key:
        _new_key(as_json=as_json)
        return
    import asyncio

    from pointsman.app.config import find_project
    from pointsman.app.serve import Listening, Supervisor

    path = config or find_project(Path.cwd())

    def ready(listening: Listening) -> None:
        if as_json:
            import msgspec

            click.echo(msgspec.json.encode(listening).decode())
        else:
            click.echo(listening.base_url)
            admin = (
                f"admin on {listening.admin_url}" if listening.admin_url else "no admin listener: gateway.admin.key is not set"
            )
            say(f"{listening.workers} workers; {admin}; snapshot {listening.snapshot}; Ctrl-C ends")

    async def main() -> None:
        supervisor = Supervisor(path, host=host, port=port, admin_port=admin_port, workers=workers, say=say)
        await supervisor.run(ready, for_s=for_s)

    asyncio.run(main())


def _new_key(*, as_json: bool) -> None:
    import secrets
    from hashlib import sha256

    key = f"pm-{secrets.token_urlsafe(32)}"
    kept = f"sha256:{sha256(key.encode()).hexdigest()}"
    if as_json:
        print_json({"key": key, "hash": kept})
        return
    click.echo(f"key   {key}\nhash  {kept}")
    say("give the key to the client; write the hash under gateway.tenants.NAME.keys. The key is shown only now.")
