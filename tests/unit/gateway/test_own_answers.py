"""What the gateway answers by itself: models in three shapes, and counts of tokens."""

import json
import urllib.error
import urllib.request

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from support.gateway import gateway, variant
from support.scripted_server import scripted_server


@pytest.fixture(scope="module")
def running():
    with scripted_server(seed=4) as upstream:
        variants = {
            "chat": variant(upstream.base_url),
            "claude": variant(upstream.base_url, "anthropic_messages"),
            "meta/llama": variant(upstream.base_url),
        }
        with gateway({"variants": variants}) as found:
            yield found


def openai_client(running):
    return openai.OpenAI(base_url=running.openai_url, api_key="k", max_retries=0)


def test_openais_client_reads_one_model_and_all(running):
    with openai_client(running) as client:
        assert [m.id for m in client.models.list()] == ["chat", "claude", "meta/llama"]
        assert client.models.retrieve("chat").id == "chat"
        assert client.models.retrieve("meta/llama").id == "meta/llama"
        with pytest.raises(openai.NotFoundError, match="did you mean 'chat'"):
            client.models.retrieve("chatt")


def test_anthropics_client_reads_one_model_and_all(running):
    with anthropic.Anthropic(base_url=running.base_url, api_key="k", max_retries=0) as client:
        assert [m.id for m in client.models.list()] == ["chat", "claude", "meta/llama"]
        assert client.models.retrieve("claude").display_name == "claude"


def test_geminis_client_reads_one_model_and_all(running):
    with genai.Client(api_key="k", http_options=types.HttpOptions(base_url=running.base_url)) as client:
        assert [m.name for m in client.models.list()] == ["models/chat", "models/claude", "models/meta/llama"]
        assert client.models.get(model="chat").name == "models/chat"


def test_a_method_we_do_not_serve_is_no_model(running):
    request = urllib.request.Request(f"{running.base_url}/v1beta/models/chat:embedContent", data=b"{}")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=5)
    with caught.value as refused:
        assert refused.code == 404


def test_a_count_across_protocols_is_marked_as_our_estimate(running):
    body = json.dumps({"model": "chat", "messages": [{"role": "user", "content": "x" * 40}]}).encode()
    request = urllib.request.Request(f"{running.base_url}/v1/messages/count_tokens", data=body)
    with urllib.request.urlopen(request, timeout=5) as reply:
        assert reply.headers["x-pointsman-estimated"] == "true"
        assert json.loads(reply.read()) == {"input_tokens": 10}


def test_what_the_client_cannot_be_told_of_a_reply_is_named(running):
    """The provider gives one answer and knows no seed; the header says so before the first byte."""
    with openai_client(running) as client:
        said = client.chat.completions.with_raw_response.create(
            model="claude", messages=[{"role": "user", "content": "hi"}], n=2, seed=1
        )
        assert {"n", "seed"} <= set(said.headers["x-pointsman-lost"].split(", "))
