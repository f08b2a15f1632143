"""Where calls go: rows of data, placeholders, keys."""

import pytest

from pointsman.core.failure import ConfigError, PointsmanError
from pointsman.providers import provider_row
from pointsman.providers.endpoint import Endpoint, endpoint_for, key_ring
from pointsman.providers.provider_row import load_provider, provider_names, read_provider_row

ASKED_FOR = [
    "alibaba",
    "anthropic",
    "azure",
    "cerebras",
    "cohere",
    "deepseek",
    "fireworks",
    "gemini",
    "groq",
    "huggingface",
    "litellm",
    "llamacpp",
    "lmstudio",
    "mistral",
    "moonshot",
    "nvidia",
    "ollama",
    "openai",
    "openai_responses",
    "openrouter",
    "perplexity",
    "sambanova",
    "tgi",
    "together",
    "vertex",
    "vllm",
    "xai",
    "zai",
]
SELF_HOSTED = {"ollama", "vllm", "tgi", "llamacpp", "lmstudio", "litellm"}
PATHS = {"gemini": "/v1beta/models/m:generateContent", "anthropic_messages": "/v1/messages", "ollama": "/api/chat"}
ENVIRON = {"GOOGLE_CLOUD_PROJECT": "p1", "AZURE_OPENAI_ENDPOINT": "https://n.openai.azure.com/"}


class TestRows:
    def test_every_provider_has_one(self):
        assert set(ASKED_FOR) <= set(provider_names())

    @pytest.mark.parametrize("name", provider_names())
    def test_each_is_complete_and_says_where_it_was_read(self, name):
        row = load_provider(name)
        assert row.title
        assert row.source.url.startswith("https://")
        assert (row.source.checked_on is None) == (row.source.basis == "recall")
        assert row.dialect in ("openai_chat", "openai_responses", "anthropic_messages", "gemini", "ollama")
        assert row.key_env or not row.key_required
        assert row.key_required != (name in SELF_HOSTED)

    @pytest.mark.parametrize("name", provider_names())
    def test_each_gives_an_address_without_open_placeholders(self, name):
        endpoint = endpoint_for(name, environ=ENVIRON)
        url = endpoint.url(PATHS.get(endpoint.dialect, "/chat/completions"), "m")
        assert url.startswith("http://localhost" if name in SELF_HOSTED else "https://")
        assert "{" not in url

    def test_reading_one_does_not_read_the_others(self, monkeypatch):
        read = []
        monkeypatch.setattr(provider_row, "_loaded", {})
        monkeypatch.setattr(provider_row, "read_provider_row", lambda path: read.append(path.stem) or read_provider_row(path))
        for _ in range(2):
            load_provider("groq")
        assert read == ["groq"]

    @pytest.mark.parametrize(
        "line, key",
        [
            ('base_ulr = "x"', "base_ulr"),
            ("[quirks]\nmax_token_field = 1", "quirks.max_token_field"),
            ('[settings.x]\nwhat = "w"\nenvironment = []', "settings.environment"),
            ("key_required = 3", "key_required"),
        ],
    )
    def test_a_mistake_names_file_and_key(self, tmp_path, line, key):
        path = tmp_path / "mine.toml"
        path.write_text(
            f'title = "T"\ndialect = "d"\nbase_url = "https://x"\nsource = {{url = "https://y", basis = "recall"}}\n{line}\n'
        )
        with pytest.raises(ConfigError) as caught:
            read_provider_row(path)
        assert str(path) in str(caught.value)
        assert caught.value.key.split(".")[-1] == key.split(".")[-1]

    def test_a_misspelt_key_gets_a_hint_and_broken_toml_its_file(self, tmp_path):
        path = tmp_path / "mine.toml"
        path.write_text('titel = "x"\n')
        with pytest.raises(ConfigError) as caught:
            read_provider_row(path)
        assert "title" in caught.value.hint
        path.write_text("title = \n")
        with pytest.raises(ConfigError, match=r"mine\.toml: not valid TOML"):
            read_provider_row(path)

    def test_an_unknown_name_is_answered_with_the_nearest_one(self):
        with pytest.raises(PointsmanError) as caught:
            load_provider("antropic")
        assert "anthropic" in caught.value.hint
        with pytest.raises(PointsmanError):
            load_provider("../../secrets")


class TestAddresses:
    @pytest.mark.parametrize(
        "base, path, url",
        [
            ("https://h/v1", "/chat/completions", "https://h/v1/chat/completions"),
            ("https://h", "/v1/messages", "https://h/v1/messages"),
            ("https://h/v1", "/v1/messages", "https://h/v1/messages"),
            ("https://h/anthropic", "/v1/messages", "https://h/anthropic/v1/messages"),
            ("https://h/v1/projects/p/google", "/v1beta/models/m:x", "https://h/v1/projects/p/google/models/m:x"),
            ("https://h/v12x", "/v1/messages", "https://h/v12x/v1/messages"),
        ],
    )
    def test_a_version_is_said_once(self, base, path, url):
        assert Endpoint(provider="x", dialect="d", base_url=base).url(path, "m") == url

    def test_azure_puts_deployment_and_api_version_into_the_address(self):
        endpoint = endpoint_for("azure", settings={"endpoint": "https://n.openai.azure.com", "api_version": "2024-06-01"})
        url = "https://n.openai.azure.com/openai/deployments/my%2Fgpt/chat/completions?api-version=2024-06-01"
        assert endpoint.url("/chat/completions", "my/gpt") == url
        assert endpoint.auth == "api-key"

    def test_vertex_needs_a_project_and_says_so(self):
        with pytest.raises(ConfigError) as caught:
            endpoint_for("vertex")
        assert caught.value.key == "project"
        assert "GOOGLE_CLOUD_PROJECT" in caught.value.hint

    def test_a_setting_nobody_knows_is_refused(self):
        with pytest.raises(ConfigError, match="region"):
            endpoint_for("vertex", settings={"region": "x", "project": "p"})

    def test_any_other_server_needs_only_a_base_url(self):
        endpoint = endpoint_for("my-box", base_url="http://10.0.0.7:9000/v1/", headers={"X-Team": "a"})
        assert endpoint == Endpoint(
            provider="my-box", dialect="openai_chat", base_url="http://10.0.0.7:9000/v1", headers={"x-team": "a"}
        )
        assert endpoint_for("my-box", base_url="http://x", dialect="ollama").dialect == "ollama"

    def test_a_known_provider_can_be_reached_elsewhere_and_keeps_its_ways(self):
        endpoint = endpoint_for("anthropic", base_url="http://127.0.0.1:9/v1", headers={"Anthropic-Version": "2099-01-01"})
        assert endpoint.base_url == "http://127.0.0.1:9/v1"
        assert endpoint.auth == "x-api-key"
        assert endpoint.headers == {"anthropic-version": "2099-01-01"}

    @pytest.mark.parametrize(
        "bad", ["", "h/v1", "ftp://h", "https://", "https://h:99999", "https://h/v1?x=1", "https://u:pw@h/v1"]
    )
    def test_an_address_that_is_none_is_refused_without_repeating_it(self, bad):
        with pytest.raises(ConfigError, match="base_url") as caught:
            endpoint_for("mine", base_url=bad)
        assert "pw" not in str(caught.value)


class TestKeyRing:
    def test_the_first_variable_that_is_set(self):
        ring = key_ring("gemini", {"GEMINI_API_KEY": " ", "GOOGLE_API_KEY": "g1"})
        assert ring.pick(0).secret.reveal() == "g1"

    def test_several_given_keys(self):
        assert len(key_ring("openai", {}, keys=["a1", "b2", "c3"])) == 3

    def test_a_missing_key_names_the_variable_and_what_to_do(self):
        with pytest.raises(ConfigError, match="OPENAI_API_KEY is not set") as caught:
            key_ring("openai", {})
        assert "export OPENAI_API_KEY" in caught.value.hint

    def test_a_named_variable_must_be_set(self):
        assert key_ring("mine", {"MY_KEY": "k"}, key_env="MY_KEY").pick(0).secret.reveal() == "k"
        with pytest.raises(ConfigError, match="MY_KEY"):
            key_ring("mine", {}, key_env="MY_KEY")

    @pytest.mark.parametrize("name", [*sorted(SELF_HOSTED), "a-server-of-my-own"])
    def test_a_local_server_needs_none(self, name):
        assert key_ring(name, {}) is None
