"""How each gateway is started for the same work: one process that serves, keep-alive on both sides, its keys checked."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from child import environment
from peers import node_tool, python_of

from gateway.traffic import CLIENT_KEY, MODEL

__all__ = ["CONTENDERS", "Contender", "Place"]

_HERE = Path(__file__).parent
_SOURCES = str(_HERE.parents[1] / "src")


class Place(NamedTuple):
    """Where a gateway runs: an empty folder, ports that are free, and the upstream's address without a path."""

    folder: Path
    port: int
    admin_port: int
    upstream: str


class Contender(NamedTuple):
    """A gateway. `prepare` writes what it wants to read and gives its command."""

    name: str
    prepare: Callable[[Place], list[str]]
    peer: str | None = None
    """Its environment in `peers`."""
    headers: Callable[[Place], dict[str, str]] = lambda _place: {}
    """What its clients must send besides."""
    env: Mapping[str, str] = {}
    share: float = 1.0
    """How many requests it gets for each that the fast ones get, so that a round takes minutes and not hours."""


def _nginx(place: Place) -> list[str]:
    temporary = " ".join(
        f"{kind}_temp_path {place.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    address = place.upstream.removeprefix("http://")
    (place.folder / "nginx.conf").write_text(
        f"""daemon off; master_process off; pid {place.folder}/pid; error_log {place.folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; {temporary}
  upstream up {{ server {address}; keepalive 128; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{place.port};
    location / {{ proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
}}
"""
    )
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") or "nginx"
    return [found, "-c", str(place.folder / "nginx.conf"), "-e", str(place.folder / "error.log")]


def _bare(place: Place) -> list[str]:
    return [sys.executable, str(_HERE / "bare.py"), str(place.port), place.upstream, CLIENT_KEY]


def _pointsman(place: Place) -> list[str]:
    config = {
        "variants": {
            MODEL: {
                "provider": "up",
                "model": MODEL,
                "base_url": f"{place.upstream}/v1",
                "key": "sk-upstream",
                "price": {"input": 1, "output": 2},
            }
        },
        "routes": {MODEL: {"variant": MODEL}},
        "gateway": {
            "port": place.port,
            "workers": 1,
            "admin": {"key": CLIENT_KEY, "port": place.admin_port},
            "tenants": {"bench": {"keys": ["sha256:" + sha256(CLIENT_KEY.encode()).hexdigest()]}},
        },
    }
    (place.folder / "pointsman.yaml").write_text(json.dumps(config))  # JSON is YAML too
    return [str(Path(sys.executable).with_name("pointsman")), "serve", "--config", str(place.folder / "pointsman.yaml")]


def _litellm(place: Place) -> list[str]:
    upstream = {"model": f"openai/{MODEL}", "api_base": f"{place.upstream}/v1", "api_key": "sk-upstream"}
    config = {
        "model_list": [{"model_name": MODEL, "litellm_params": upstream}],
        "general_settings": {"master_key": CLIENT_KEY},
        "litellm_settings": {"set_verbose": False, "request_timeout": 600},
    }
    (place.folder / "config.yaml").write_text(json.dumps(config))
    tool = str(Path(python_of("litellm")).with_name("litellm"))
    return [tool, "--config", str(place.folder / "config.yaml"), "--host", "127.0.0.1", "--port", str(place.port),
            "--num_workers", "1", "--telemetry", "False"]  # fmt: skip


def _portkey(place: Place) -> list[str]:
    return [*node_tool("portkey"), f"--port={place.port}", "--headless"]


def _portkeys_headers(place: Place) -> dict[str, str]:
    return {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{place.upstream}/v1"}


CONTENDERS = (
    Contender("nginx", _nginx),
    Contender("bare proxy", _bare),
    Contender("pointsman serve", _pointsman, env=environment(PYTHONPATH=_SOURCES)),
    Contender(
        "LiteLLM",
        _litellm,
        peer="litellm",
        env=environment(LITELLM_LOG="ERROR", LITELLM_MODE="PRODUCTION", LITELLM_LOCAL_MODEL_COST_MAP="True"),
        share=1 / 40,
    ),
    Contender(
        "Portkey", _portkey, peer="portkey", headers=_portkeys_headers, env=environment(NODE_ENV="production"), share=1 / 6
    ),
)
