"""The table of clients is of the clients, cases and versions that the project has today."""

import json
import re

import pytest

from clients.cells import FEATURES, PROVIDERS
from clients.driving import HERE
from clients.roster import CLIENTS
from support.docs import DOCS, REPOSITORY, read

PAGE = DOCS / "reference" / "clients.md"


def locked(client):
    """The versions that `make test-clients` installs for this client."""
    if client.home == "js":
        packages = json.loads((HERE / "js" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
        return {name: packages[f"node_modules/{name}"]["version"] for name in client.packages}
    text = read(REPOSITORY / "requirements" / f"{client.home}.txt")
    return {name: re.search(rf"^{re.escape(name)}==(\S+)", text, re.MULTILINE)[1] for name in client.packages}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_the_page_shows_every_client_with_the_versions_that_are_locked(client):
    """`make test-clients` renews it."""
    page = read(PAGE)
    versions = ", ".join(f"{name} {version}" for name, version in locked(client).items())
    assert f"| {client.name} | {versions}" in page, "stale: run `make test-clients`"
    assert f"| {client.name} | `{PROVIDERS[0]}` |" in page


def test_no_cell_of_the_page_is_empty_or_failed():
    """Every one was run and good, or its reason is named."""
    rows = [line.strip("|").split("|") for line in read(PAGE).splitlines() if re.search(r"\| `\w+` \|", line)]
    assert len(rows) == len(CLIENTS) * len(PROVIDERS)
    words = {cell.strip() for row in rows for cell in row[2:]}
    assert all(len(row) == 2 + len(FEATURES) for row in rows)
    assert words <= {"ok", "ok 1/2", "–"}
