"""Scripts as written by people: what is refused, and with which words."""

from decimal import Decimal

import msgspec
import pytest

from pointsman.core.failure import ConfigError, FailureClass
from pointsman.providers.scripted.script import Latency, Script, Spread
from pointsman.providers.scripted.script_file import read_scripts, script_of, scripts_of, with_latency


def test_a_script_file_maps_models_to_scripts(tmp_path):
    """Everything a script can say, as YAML says it."""
    file = tmp_path / "scripts.yaml"
    file.write_text(
        """
default: {quality: 0.9}
slow-but-good:
  quality: 0.95
  wrong: [maybe, perhaps]
  error: {rate_limit: 0.01, transient: 0.02}
  latency: {ttft_s: {p50_s: 0.5, p95_s: 2}, tokens_per_s: 30}
  output_tokens: {p50: 80, p95: 300}
  price: {input_usd_per_million: 0.15, output_usd_per_million: "0.60"}
  drift: [{what: quality, shape: step, at_request: 500, to: 0.5}]
  faults: {"429;retry_after=2": 0.01, stall: 0.02}
  keys: {sk-slow: {latency: 3, requests_per_minute: 60}}
"""
    )
    scripts = read_scripts(file)
    good = scripts["slow-but-good"]
    assert scripts["default"].quality == 0.9
    assert good.price is not None
    assert good.price.input_usd_per_million == Decimal("0.15")
    assert good.error == {FailureClass.RATE_LIMIT: 0.01, FailureClass.TRANSIENT: 0.02}
    assert good.for_key("sk-slow").latency == 3
    assert good.for_key("other") is good


@pytest.mark.parametrize(
    "data, message, hint",
    [
        ({"qualty": 1}, "m.qualty: unknown key", "did you mean `quality`?"),
        ({"quality": 2}, "m.quality: expected `float` <= 1.0", None),
        ({"quality": "good"}, "m.quality: expected", None),
        ({"latency": {"ttft_s": {"p50_s": 1, "p95_s": 0.5}}}, "p95_s must not be below p50_s", None),
        ({"latency": {"ttft": 1}}, "m.latency.ttft: unknown key", None),
        ({"error": {"rate_limt": 0.1}}, "rate_limt", None),
        ({"error": 0.7, "timeout": 0.6}, "error + timeout must not exceed 1", None),
        ({"refusal": 0.6, "truncation": 0.6}, "must not exceed 1", None),
        ({"faults": {"stal": 0.1}}, "there is no fault 'stal'; did you mean 'stall'?", None),
        ({"faults": {"stall;afer=1": 0.1}}, "there is no setting 'afer'", None),
        ({"drift": [{"what": "quality", "shape": "step", "to": 0}]}, "a drift starts at_request or at_s", None),
        ({"drift": [{"what": "latency", "shape": "step", "at_s": 0, "to": 0}]}, "latency drifts by `times`", None),
        ({"drift": [{"what": "quality", "shape": "ramp", "at_request": 5, "to": 0}]}, "has an end", None),
        ({"say": "answer"}, "say must contain {answer}", None),
    ],
)
def test_a_wrong_script_is_refused_with_its_key(data, message, hint):
    """One clear message, and the nearest key where there is one."""
    with pytest.raises(ConfigError) as caught:
        scripts_of({"m": data}, file="s.yaml")
    assert message in caught.value.message
    assert caught.value.message.startswith("s.yaml: m")
    if hint:
        assert caught.value.hint == hint


def test_a_bare_script_is_told_where_it_belongs():
    """The commonest mistake: no model name above the keys."""
    with pytest.raises(ConfigError, match="stands under the name of its model") as caught:
        scripts_of({"quality": 0.5})
    assert caught.value.hint == "put it under `default:`"


@pytest.mark.parametrize("content", ["[1, 2]", "a: [", "just text"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, content):
    """Also one that is not YAML at all."""
    (tmp_path / "s.yaml").write_text(content)
    with pytest.raises(ConfigError):
        read_scripts(tmp_path / "s.yaml")
    with pytest.raises(ConfigError, match="no such file"):
        read_scripts(tmp_path / "absent.yaml")


def test_latency_of_the_command_line_fills_in_where_scripts_are_silent():
    """A script's own latency stays."""
    spread = Latency(total_s=Spread(p50_s=0.2, p95_s=0.8))
    made = with_latency({"a": Script(latency=2.0), "b": Script()}, "0.2:0.8")
    assert (made["a"].latency, made["b"].latency, made["default"].latency) == (2.0, spread, spread)
    assert with_latency({}, "0.5")["default"].latency == 0.5
    for wrong in ("fast", "-1", "1:0.5", "nan", "inf"):
        with pytest.raises(ConfigError, match="not a latency"):
            with_latency({}, wrong)


def test_a_script_survives_being_written_and_read():
    """What hashes the same is the same."""
    script = Script(quality=0.5, error={FailureClass.TIMEOUT: 0.1}, latency=Latency(ttft_s=0.1))
    assert script_of(msgspec.json.decode(msgspec.json.encode(script))) == script
