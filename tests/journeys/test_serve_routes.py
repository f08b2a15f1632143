"""Workers share nothing, and still agree on who answers whom."""

import json
import os
import urllib.request

from pointsman.routing.assign import sticky_u
from support.gateway import variant
from support.scripted_server import scripted_server
from support.serving import serving, until, with_admin

BODY = json.dumps({"model": "r", "messages": [{"role": "user", "content": "hi"}]}).encode()


def ask(running, conversation):
    """Who answered, and which worker carried it: its decisions begin alike."""
    request = urllib.request.Request(
        f"{running.openai_url}/chat/completions", data=BODY, headers={"x-pointsman-conversation": conversation}
    )
    with urllib.request.urlopen(request, timeout=20) as reply:
        reply.read()
        return reply.headers["x-pointsman-variant"], reply.headers["x-pointsman-decision"][:10]


def test_a_conversation_keeps_its_variant_whichever_worker_its_connection_meets(tmp_path):
    """Also when one of them died and another took its place."""
    with scripted_server() as up:
        variants = {name: variant(up.base_url, model=name) for name in ("a", "b")}
        route = {"policy": {"weighted": {"weights": {"a": 1, "b": 1}}}, "salt": "s"}
        with serving(tmp_path, with_admin({"variants": variants, "routes": {"r": route}}), workers=2) as running:
            named = [f"c{n}" for n in range(24)]
            expected = {c: "a" if sticky_u("s", f"anybody\0{c}") < 0.5 else "b" for c in named}
            seen = [(c, *ask(running, c)) for c in named * 4]
            assert len({worker for _, _, worker in seen}) == 2
            assert {(c, got) for c, got, _ in seen} == set(expected.items())
            restarts = running.metric("pointsman_worker_restarts_total")
            os.kill(running.workers()[0], 9)
            until(lambda: running.metric("pointsman_worker_restarts_total") == restarts + 1, "a restart counted")
            until(lambda: running.metric("pointsman_workers_current") == 2, "both serve again")
            assert {c: ask(running, c)[0] for c in named} == expected
