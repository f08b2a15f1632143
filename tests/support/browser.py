"""Headless Chromium, spoken to by its DevTools protocol; tests that need it are skipped where it is not installed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest

__all__ = ["Browser", "browser", "needs_chromium"]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
_STARTS_WITHIN_S = 60.0


class Browser:
    """One tab."""

    def __init__(self, address: str) -> None:
        """`address` is where the tab's DevTools listen."""
        self._loop = asyncio.new_event_loop()
        self._address = address
        self._number = 0
        self.complaints: list[str] = []
        """What the page wrote to its console as an error, a refused policy among it."""
        self.asked: list[str] = []
        """Addresses it has asked for."""

    def __enter__(self) -> Self:
        self._session = self._loop.run_until_complete(_session())
        self._socket = self._loop.run_until_complete(self._session.ws_connect(self._address, max_msg_size=1 << 28))
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._socket.close())
        self._loop.run_until_complete(self._session.close())
        self._loop.close()

    def call(self, method: str, **parameters: Any) -> Any:
        """One command; its result."""
        return self._loop.run_until_complete(asyncio.wait_for(self._call(method, parameters), _STARTS_WITHIN_S))

    def go(self, url: str) -> None:
        """Open a page."""
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def value(self, expression: str) -> Any:
        """What a JavaScript expression comes to."""
        said = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def until(self, expression: str, within_s: float = 30.0) -> None:
        """Wait for an expression to be true, as JavaScript has it."""
        end_s = time.monotonic() + within_s
        while not self.value(f"Boolean({expression})"):
            assert time.monotonic() < end_s, f"it did not come true: {expression}"
            time.sleep(0.05)

    def type(self, words: str) -> None:
        """Type into whatever has the focus, and press Enter."""
        self.call("Input.insertText", text=words)
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")

    def looks(self, *, width: int, dark: bool) -> None:
        """From now on the window is that wide, and its user likes it dark or light."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)

    def picture(self, path: Path) -> None:
        """The whole page as a PNG."""
        said = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(said["data"]))

    async def _call(self, method: str, parameters: dict[str, Any]) -> Any:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            said = await self._socket.receive_json()
            if said.get("id") == self._number:
                assert "error" not in said, said["error"]
                return said["result"]
            self._hear(said)

    def _hear(self, said: dict[str, Any]) -> None:
        match said:
            case {"method": "Network.requestWillBeSent", "params": {"request": {"url": url}}}:
                self.asked.append(url)
            case {"method": "Log.entryAdded", "params": {"entry": {"level": "error", "text": text}}}:
                self.complaints.append(text)
            case {"method": "Runtime.exceptionThrown", "params": {"exceptionDetails": {"text": text}}}:
                self.complaints.append(text)


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A tab of a Chromium of its own, whose profile is in `folder`."""
    assert CHROMIUM is not None
    profile = folder / "chromium"
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    command += ["--remote-debugging-port=0", "--disable-background-networking", f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with Browser(_tab(profile / "DevToolsActivePort")) as tab:
            yield tab
    finally:
        process.terminate()
        process.wait(30)


def _tab(port_file: Path) -> str:
    """Where the first tab can be spoken to, once there is one."""
    end_s = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < end_s:
        with contextlib.suppress(OSError, ValueError, aiohttp.ClientError):
            port = int(port_file.read_text().splitlines()[0])
            for target in asyncio.run(_targets(port)):
                if target["type"] == "page":
                    return str(target["webSocketDebuggerUrl"])
        time.sleep(0.05)
    raise AssertionError("Chromium did not start")


async def _targets(port: int) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/json/list") as reply:
        return list(await reply.json())


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession()
