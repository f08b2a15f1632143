"""The memory model and the roofline against measured serving."""

import csv

import pytest

from pointsman.catalog.hardware import find_architecture, find_gpu
from pointsman.core.estimate import Unknown
from pointsman.core.failure import PointsmanError
from pointsman.cost.gpu import (
    Serving,
    decode_ceiling_tokens_per_s,
    decode_step_s,
    expected_tokens_per_s,
    fit,
    kv_bytes_per_token,
    prefill_s,
    smallest_serving,
    touched_bytes,
    weight_bytes,
)
from support.shared import SHARED, needs_shared

FIT_TABLE = "data/catalog/lambda_vllm_fit_throughput.csv"
ROOFLINE_TABLE = "data/catalog/decode_roofline_check.csv"
MODELS = {
    "Meta-Llama-3.1-8B-FP8": ("meta/llama-3.1-8b-instruct", "fp8"),
    "Meta-Llama-3.1-70B-Instruct-FP8": ("meta/llama-3.1-70b-instruct", "fp8"),
    "Hermes-3-Llama-3.1-405B-FP8": ("meta/llama-3.1-405b-instruct", "fp8"),
    "Mistral-7B-Instruct-v0.3": ("mistral/mistral-7b-instruct", "bf16"),
    "Mixtral-8x7B-Instruct-v0.1": ("mistral/mixtral-8x7b-instruct", "bf16"),
    "Mixtral-8x22B-Instruct-v0.1": ("mistral/mixtral-8x22b-instruct", "bf16"),
    "Mistral-Nemo-Instruct-2407": ("mistral/mistral-nemo", "bf16"),
    "Mistral-Large-Instruct-2407": ("mistral/mistral-large-2407", "bf16"),
}
TRIED_K = (1, 2, 4, 8, 16, 32, 64, 128)


def _rows(table: str) -> list[dict[str, str]]:
    with (SHARED / table).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _serving(row: dict[str, str]) -> Serving:
    model, precision = MODELS[row["model"]]
    return Serving(
        architecture=find_architecture(model),
        gpu=find_gpu(row["gpu"]),
        gpus=int(row["tensor_parallel_gpus"]),
        precision=precision,  # type: ignore[arg-type]  # one of the literals above
    )


@needs_shared(FIT_TABLE)
def test_fit_and_context_reproduce_lambdas_table() -> None:
    """64 of 64 fit decisions and 62 of 64 longest contexts; the misses are one model on four cards."""
    rows = _rows(FIT_TABLE)
    fits, contexts, missed = 0, 0, set()
    for row in rows:
        longest = fit(_serving(row), 1024).max_context_tokens
        measured = int(row["max_context_k_tokens_that_fit"])
        predicted = max((k for k in TRIED_K if k * 1024 <= longest), default=0)
        fits += (predicted > 0) == (measured > 0)
        contexts += predicted == measured
        if predicted != measured:
            missed.add((row["model"], row["tensor_parallel_gpus"], predicted, measured))
    assert (len(rows), fits, contexts) == (64, 64, 62)
    assert missed == {("Mixtral-8x22B-Instruct-v0.1", "4", 64, 16)}


@needs_shared(FIT_TABLE)
def test_the_roofline_is_an_upper_bound_on_every_measured_row() -> None:
    """With the batch each run really had, nothing was faster than the bound, even with an empty cache."""
    checked = 0
    for row in _rows(FIT_TABLE):
        if not row["output_tokens_per_s_320_prompts"]:
            continue
        measured, step_s = float(row["output_tokens_per_s_320_prompts"]), float(row["inter_token_latency_ms"]) / 1000
        batch = max(1, round(measured * step_s))
        assert decode_ceiling_tokens_per_s(_serving(row), batch, 0) > measured, row
        assert decode_step_s(_serving(row), batch, 0) < step_s, row
        checked += 1
    assert checked == 48


@needs_shared(ROOFLINE_TABLE)
def test_the_step_time_agrees_with_a_second_calculation() -> None:
    """Bytes over bandwidth gives the published bound, below each of eleven measurements."""
    rows = _rows(ROOFLINE_TABLE)
    for row in rows:
        gigabytes = float(row["weight_gb_read_per_step"]) + float(row["kv_gb_read_per_step"])
        bound_ms = gigabytes / (int(row["gpus"]) * float(row["hbm_gbs_per_gpu"])) * 1000
        assert bound_ms == pytest.approx(float(row["roofline_tpot_ms"]), rel=0.01)
        assert bound_ms < float(row["measured_tpot_ms"])
    assert len(rows) == 11


@pytest.mark.parametrize(
    "model, precision, batch, gigabytes, kv_gb, context",
    [
        ("meta/llama-3.1-8b-instruct", "bf16", 1, 16.1, 0.14, 1088),
        ("alibaba/qwen3-32b", "bf16", 32, 65.5, 12.88, 1536),
        ("deepseek/deepseek-v3", "fp8", 16, 277.5, 5.76, 5120),
        ("minimax/minimax-m2.5", "fp8", 16, 94.8, 6.24, 1536),
        ("minimax/minimax-m2.5", "fp8", 32, 148.7, 12.48, 1536),
    ],
)
def test_bytes_per_step_follow_from_the_architecture(
    model: str, precision: str, batch: int, gigabytes: float, kv_gb: float, context: int
) -> None:
    """Dense models read everything, mixtures the experts a batch touches; within 2 % of the staged figures."""
    shape = find_architecture(model)
    assert touched_bytes(shape, precision, batch) / 1e9 == pytest.approx(gigabytes, rel=0.02)  # type: ignore[arg-type]  # a literal
    assert kv_bytes_per_token(shape) * context * batch / 1e9 == pytest.approx(kv_gb, rel=0.02)


@pytest.mark.parametrize(
    "model, kib",
    [
        ("meta/llama-3.1-8b-instruct", 128),
        ("meta/llama-3.1-70b-instruct", 320),
        ("meta/llama-3.1-405b-instruct", 504),
        ("mistral/mixtral-8x22b-instruct", 224),
        ("mistral/mixtral-8x7b-instruct", 128),
        ("mistral/mistral-nemo", 160),
        ("mistral/mistral-large-2407", 352),
    ],
)
def test_cache_per_token(model: str, kib: int) -> None:
    """Grouped heads, in bytes and not bits."""
    assert kv_bytes_per_token(find_architecture(model)) == kib * 1024


def test_405b_needs_eight_cards_and_70b_two() -> None:
    """T27: at fp8 the weights alone are 382 GiB, so eight 80 GB cards; 70B with a useful window needs two."""
    h100 = find_gpu("H100")
    big = smallest_serving(find_architecture("meta/llama-3.1-405b-instruct"), h100, 8192, "fp8")
    small = smallest_serving(find_architecture("meta/llama-3.1-70b-instruct"), h100, 8192, "fp8")
    assert isinstance(big, Serving)
    assert isinstance(small, Serving)
    assert (big.gpus, small.gpus) == (8, 2)
    assert weight_bytes(big.architecture, "fp8") / 1024**3 == pytest.approx(382, abs=1)


def test_a_window_the_model_does_not_have_is_unknown_not_fitted() -> None:
    """T32: 500K tokens do not fit Llama 3.1 however many cards there are."""
    asked = smallest_serving(find_architecture("meta/llama-3.1-405b-instruct"), find_gpu("H200"), 500_000, "fp8")
    assert isinstance(asked, Unknown)
    assert "131072" in asked.reason


def test_one_stream_and_prefill() -> None:
    """Llama 8B on one A100-40GB: the bound is 96 tokens/s (75 measured), and a prompt needs arithmetic."""
    serving = Serving(architecture=find_architecture("meta/llama-3.1-8b-instruct"), gpu=find_gpu("A100-40GB"), gpus=1)
    assert decode_ceiling_tokens_per_s(serving, 1, 1088) == pytest.approx(96, abs=1)
    band = expected_tokens_per_s(serving, 1, 1088)
    assert band.low < 75 < band.high
    assert prefill_s(serving, 1000) == pytest.approx(2 * 8.03e9 * 1000 / 312e12)


def test_unknown_cards_and_models_say_what_is_known() -> None:
    """Names that match nothing, or several cards, are refused with the list."""
    for name in ("H900", "A100"):
        with pytest.raises(PointsmanError) as caught:
            find_gpu(name)
        assert "A100-80GB-SXM" in (caught.value.hint or "")
    with pytest.raises(PointsmanError, match="how openai/gpt-4 is built"):
        find_architecture("openai/gpt-4")
