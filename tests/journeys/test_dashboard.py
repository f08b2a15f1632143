"""The live page of a real gateway: open to everybody, and empty without the key."""

import urllib.request

import pytest

from support.migrating import SCRIPTS, config
from support.scripted_server import scripted_server
from support.serving import ADMIN_KEY, serving, with_admin

SECRET = "sk-upstream-secret"


@pytest.fixture(scope="module")
def upstream():
    """One provider for all."""
    with scripted_server(scripts=SCRIPTS, seed=4) as running:
        yield running


def gateway(upstream, **new):
    made = config(upstream.base_url, **new)
    for variant in made["variants"].values():
        variant["key"] = SECRET
    return with_admin(made)


def test_the_page_is_for_everybody_and_what_it_shows_for_the_key_alone(tmp_path, upstream):
    """Given a gateway, when somebody without the key asks, then they get a page that holds nothing, and a browser is told
    to run nothing else, frame nothing and keep nothing."""
    with serving(tmp_path, gateway(upstream)) as running:
        with urllib.request.urlopen(f"{running.admin_url}/dashboard", timeout=20) as reply:
            page, headers = reply.read().decode(), reply.headers
        for key in (None, "wrong"):
            assert running.admin("/dashboard/live", key=key)[0] == 401
        status, moment = running.admin("/dashboard/live")
        assert running.admin("/dashboard", method="POST")[0] == 405
    assert status == 200
    assert "support" in moment
    for secret in (ADMIN_KEY, SECRET, upstream.base_url):
        assert secret not in page + moment
    assert "support" not in page
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
