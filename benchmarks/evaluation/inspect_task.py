"""The bench as a task of Inspect AI. The path is relative: an absolute one is refused on some Python versions."""

from inspect_ai import Task, task
from inspect_ai.dataset import FieldSpec, json_dataset
from inspect_ai.scorer import includes
from inspect_ai.solver import generate


@task
def bench() -> Task:
    cases = json_dataset("cases.jsonl", FieldSpec(input="input", target="target", id="id"))
    return Task(dataset=cases, solver=generate(), scorer=includes(ignore_case=False))
