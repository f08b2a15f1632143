"""One name for one model, whatever a provider calls it.

`meta-llama/Meta-Llama-3.1-70B-Instruct-Turbo`, `llama-v3p1-70b-instruct` and
`meta.llama3-1-70b-instruct-v1:0` are all `meta/llama-3.1-70b-instruct`. Dates are dropped, because a
dated snapshot is an offer of a model; sizes, versions and modes are kept, because they are not.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["MAKER_OF_PROVIDER", "model_id", "model_key", "provider_name"]

MAKER_OF_PROVIDER = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "mistral": "mistral",
    "xai": "xai",
    "deepseek": "deepseek",
    "zai": "zai",
    "zhipuai": "zai",
    "moonshot": "moonshotai",
    "minimax": "minimax",
    "cohere": "cohere",
    "perplexity": "perplexity",
    "meta": "meta",
    "voyageai": "voyageai",
    "arcee": "arcee",
    "elevenlabs": "elevenlabs",
}

_ROW_NAMES = {
    "google": "gemini",
    "google-ai-studio": "gemini",
    "moonshotai": "moonshot",
    "x-ai": "xai",
    "aws": "bedrock",
    "amazon-bedrock": "bedrock",
    "together-ai": "together",
    "togetherai": "together",
    "fireworks-ai": "fireworks",
    "openai-responses": "openai",
}


def provider_name(name: str) -> str:
    """The provider row's name for what a person or a maker calls it: `google` is served by `gemini`."""
    plain = name.lower().replace("_", "-")
    return _ROW_NAMES.get(plain, name)


_MAKER_OF_STEM = (
    (r"(meta-)?(llama|codellama|code-llama|muse)", "meta"),
    (r"(open-)?(mistral|mixtral|codestral|ministral|magistral|pixtral|devstral|voxtral)", "mistral"),
    (r"(qwen|qwq|qvq)", "alibaba"),
    (r"deepseek", "deepseek"),
    (r"(gemini|gemma|palm|medlm|med-palm|medgemma|imagen|veo)", "google"),
    (r"(gpt|chatgpt|o[134](-|$)|dall-e|davinci|codex|whisper|sora)", "openai"),
    (r"claude", "anthropic"),
    (r"(phi|wizardlm|mai)-", "microsoft"),
    (r"kimi", "moonshotai"),
    (r"(glm|chatglm|zai-glm)", "zai"),
    (r"grok", "xai"),
    (r"(command|c4ai|aya)", "cohere"),
    (r"(nova|titan)-", "amazon"),
    (r"starcoder", "bigcode"),
    (r"falcon", "tii"),
    (r"bloom(z|-|$)", "bigscience"),
    (r"minimax", "minimax"),
    (r"(nemotron|llama-.*nemotron)", "nvidia"),
    (r"(jamba|j2)", "ai21"),
    (r"granite", "ibm"),
    (r"yi-", "01-ai"),
    (r"sonar", "perplexity"),
    (r"(hermes|nous)", "nousresearch"),
    (r"(stable|sd3|sdxl)", "stability"),
    (r"olmo", "allenai"),
)

_REWRITES = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"^(global|regional|us|eu|apac|au|jp|in|us-gov)\.", ""),
        (
            r"^(anthropic|meta|mistral|amazon|cohere|ai21|deepseek|openai|google|qwen|writer|moonshotai|moonshot|minimax|zai|nvidia)\.",
            "",
        ),
        (r":(free|beta|extended|nitro|floor|exacto)$", ""),
        (r"@.*$", ""),
        (r"-v\d+(:\d+)?$", ""),
        (r"-(20\d\d-?[01]\d-?[0-3]\d)(?=$|-)", ""),
        (r"-latest$", ""),
        (r"^meta-llama", "llama"),
        (r"^code-llama", "codellama"),
        (r"^(codellama-\d+b)-instruct-hf$", r"\1-instruct"),
        (r"^llama-?v?(\d)[-p.](\d)(?=-)", r"llama-\1.\2"),
        (r"^llama-?v?(\d)-(?=\d+b)", r"llama-\1-"),
        (r"^(gemini-\d\.\d-[a-z]+)-00\d$", r"\1"),
        (r"^(mi[sx]tral-[\dx]+b(-instruct)?)-v0[.:]?\d$", r"\1"),
        (r"-(fp8|bf16|awq|gptq|int4|fp4|nvfp4|maas|tee|hf|turbo-free)$", ""),
    )
)
_HOSTED = re.compile(r"^(llama|mixtral|mistral-7b|qwen|gemma|deepseek|codellama)")


@lru_cache(maxsize=8192)
def model_key(name: str) -> str:
    """The model's own name without path, region, date, quantisation and packaging."""
    key = name.lower().rsplit("/", 1)[-1].strip()
    for pattern, new in _REWRITES:
        key = pattern.sub(new, key)
    if key.startswith("claude"):
        key = re.sub(r"(?<=\d)\.(?=\d)", "-", key)
    if _HOSTED.match(key):
        key = re.sub(r"-(turbo|versatile|instant|lite|reference|fast)$", "", key)
    return key


def model_id(name: str, provider: str | None = None) -> str | None:
    """`maker/key`; None where neither the name nor the provider says who made it."""
    key = model_key(name)
    for pattern, maker in _MAKER_OF_STEM:
        if re.match(pattern, key):
            return f"{maker}/{key}"
    maker_of_provider = MAKER_OF_PROVIDER.get(provider or "")
    return f"{maker_of_provider}/{key}" if maker_of_provider else None
