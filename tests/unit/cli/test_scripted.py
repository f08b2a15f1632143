"""The command `pointsman scripted` as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from click.testing import CliRunner

from pointsman.cli.main import run
from pointsman.cli.scripted import command

PROGRAM = [sys.executable, "-c", "from pointsman.cli.main import main; main()", "scripted"]


def start(*arguments):
    """The running command, ready to answer, and what it said of itself."""
    process = subprocess.Popen([*PROGRAM, "--port", "0", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process, process.stdout.readline()


def test_it_says_where_it_listens_serves_and_ends_on_ctrl_c(tmp_path):
    """One line of JSON when ready, exit code 0 after an interrupt, nothing on stderr."""
    (tmp_path / "s.yaml").write_text("gpt: {quality: 1}\n")
    (tmp_path / "a.jsonl").write_text('{"q": "2 + 2?", "a": "4"}\n')
    process, line = start(
        "--json", "--script", str(tmp_path / "s.yaml"), "--answers", str(tmp_path / "a.jsonl"),
        "--input-field", "q", "--target-field", "a",
    )  # fmt: skip
    try:
        urls = json.loads(line)
        body = json.dumps({"model": "gpt", "messages": [{"role": "user", "content": "2 + 2?"}]}).encode()
        request = urllib.request.Request(urls["openai"] + "/chat/completions", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as response:
            assert json.load(response)["choices"][0]["message"]["content"] == "4"
    finally:
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate(timeout=10)
    assert (process.returncode, talk) == (0, "")


def test_without_json_it_talks_to_people():
    """Addresses to stdout, the rest to stderr; it ends by itself when told to."""
    process, line = start("--for-s", "0.1")
    _, talk = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "openai http://127.0.0.1:" in line
    assert "Ctrl-C ends" in talk


def test_a_taken_port_and_a_wrong_script_are_one_clear_message(tmp_path, capsys):
    """With what to do about it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run(["scripted", "--port", str(taken.getsockname()[1])]) == 1
    assert "choose another --port" in capsys.readouterr().err
    (tmp_path / "s.yaml").write_text("m: {qualty: 1}\n")
    assert run(["scripted", "--script", str(tmp_path / "s.yaml")]) == 1
    assert "did you mean `quality`?" in capsys.readouterr().err
    (tmp_path / "a.jsonl").write_text('{"input": "x"}\n')
    assert run(["scripted", "--answers", str(tmp_path / "a.jsonl")]) == 1
    assert "a.jsonl:1: no 'target'" in capsys.readouterr().err
    assert run(["scripted", "--latency", "soon"]) == 1
    assert "not a latency" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="the example is written for a POSIX shell")
def test_the_example_of_its_help_runs():
    """As it stands there."""
    help_text = CliRunner().invoke(command, ["--help"]).output
    example = help_text.rpartition("pointsman scripted ")[2].split()
    finished = subprocess.run([*PROGRAM, *example], capture_output=True, text=True, timeout=20, check=True)
    assert json.loads(finished.stdout)["openai"].startswith("http://127.0.0.1:")
