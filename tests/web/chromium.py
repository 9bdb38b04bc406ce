"""A real browser, driven over a pipe by the DevTools protocol: no WebSocket, no driver, no network beyond loopback."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--remote-debugging-pipe",
    "--lang=en-US",
)
WATCH = """
window.violations = [];
const note = (what) => window.violations.push(what);
document.addEventListener("securitypolicyviolation", (e) => note(`${e.effectiveDirective} ${e.blockedURI}`));
window.addEventListener("error", (e) => note(`error ${e.message}`));
window.addEventListener("unhandledrejection", (e) => note(`rejection ${e.reason}`));
"""


class Page:
    """One tab. ``evaluate`` runs an expression, ``until`` waits for one to become true."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser = browser
        self._session = session
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")
        self.send("Page.addScriptToEvaluateOnNewDocument", source=WATCH)

    def send(self, method: str, **parameters: object) -> dict[str, Any]:
        """One DevTools command."""
        return self._browser.send(method, self._session, **parameters)

    def open(self, url: str) -> None:
        """Go to an address and wait until it has loaded."""
        self.send("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && document.querySelector('#languages button') !== null")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression; promises are awaited."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def until(self, expression: str, seconds: float = 10.0) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.evaluate(expression):
                return
            time.sleep(0.03)
        raise AssertionError(f"never true: {expression}; page says {self.evaluate('document.body.innerText')[:500]}")

    def text(self, selector: str) -> str:
        """What a reader sees of an element."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.send("Input.insertText", text=text)

    def press(self, key: str, code: int) -> None:
        """Press and let go of a key."""
        extra = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **extra)

    def picture(self, path: Path, width: int = 1280, height: int = 1600, scale: int = 1) -> None:
        """A screenshot of the page."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def complaints(self) -> list[str]:
        """Everything that the policy or the script engine complained about, network answers apart."""
        logged = [
            entry["params"]["entry"]["text"]
            for entry in self._browser.events
            if entry["method"] == "Log.entryAdded" and entry["params"]["entry"]["source"] != "network"
        ]
        return [*self.evaluate("window.violations"), *logged]


class Chromium:
    """The browser; a context manager that gives a fresh ``Page``."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile
        self._number = 0
        self._rest = b""
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        read_commands, self._write = os.pipe()
        self._read, write_answers = os.pipe()
        redirect = f'exec "$@" 3<&{read_commands} 4>&{write_answers}'
        self._process = subprocess.Popen(
            ["bash", "-c", redirect, "bash", "chromium", *FLAGS, f"--user-data-dir={self._profile}", "about:blank"],
            pass_fds=(read_commands, write_answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_answers)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        os.close(self._write)
        os.close(self._read)

    def page(self) -> Page:
        """A new tab."""
        target = self.send("Target.createTarget", None, url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", None, targetId=target, flatten=True)["sessionId"]
        return Page(self, session)

    def send(self, method: str, session: str | None, **parameters: object) -> dict[str, Any]:
        """Send a command and wait for its answer; events that come meanwhile are kept."""
        self._number += 1
        command: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            command["sessionId"] = session
        os.write(self._write, json.dumps(command).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == self._number:
                if "error" in message:
                    raise AssertionError(message["error"])
                result: dict[str, Any] = message["result"]
                return result
            if "method" in message:
                self.events.append(message)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._read, 1 << 20)
            if not part:
                raise AssertionError("the browser ended")
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message
