"""Headless Chromium through the DevTools protocol over a pipe: no driver, no network, no port.

with Chromium() as browser: page = browser.open(path); page.evaluate("1 + 1"); page.key("ArrowRight").
Everything that the page writes to its console, every exception and every request is kept.
"""
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

ARGUMENTS = ["--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
             "--hide-scrollbars", "--remote-debugging-pipe", "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND"]


def installed():
    """The path of Chromium, None if there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Chromium:
    def __init__(self, wait=30):
        self.program = installed()
        if not self.program:
            raise FileNotFoundError("chromium is not installed")
        self.wait = wait

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="mudot-chromium-")
        to_browser, self.write = os.pipe()
        self.read, from_browser = os.pipe()
        arguments = ARGUMENTS + (["--no-sandbox"] if os.getuid() == 0 else [])
        # the protocol's pipe is descriptors 3 and 4 of the browser
        shell = f'exec 3<&{to_browser} 4>&{from_browser}; exec "$0" "$@"'
        self.process = subprocess.Popen(["sh", "-c", shell, self.program, *arguments, f"--user-data-dir={self.profile}", "about:blank"],
                                        pass_fds=(to_browser, from_browser), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.events, self.number = b"", [], 0
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
        except (OSError, RuntimeError, TimeoutError):
            self.process.kill()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.write)
        os.close(self.read)
        shutil.rmtree(self.profile, ignore_errors=True)

    def receive(self, deadline):
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.read], [], [], left)[0]:
                raise TimeoutError("chromium does not answer")
            part = os.read(self.read, 1 << 20)
            if not part:
                raise RuntimeError("chromium has ended")
            self.buffer += part
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + self.wait
        while True:
            answer = self.receive(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            if "method" in answer:
                self.events.append(answer)

    def wait_for(self, method, session):
        deadline = time.monotonic() + self.wait
        while not any(e["method"] == method and e.get("sessionId") == session for e in self.events):
            answer = self.receive(deadline)
            if "method" in answer:
                self.events.append(answer)

    def open(self, path, width=1280, height=900, scale=1, **media):
        return Page(self, pathlib.Path(path).resolve().as_uri(), width, height, scale, media)


class Page:
    def __init__(self, browser, address, width, height, scale, media):
        self.browser, self.address = browser, address
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.target = target
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.size(width, height, scale)
        if media:
            self.media(**media)
        self.call("Page.navigate", url=address)
        browser.wait_for("Page.loadEventFired", self.session)
        self.settle()

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def size(self, width, height, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=width < 600)

    def media(self, **features):
        self.call("Emulation.setEmulatedMedia", features=[{"name": k.replace("_", "-"), "value": v} for k, v in features.items()])

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", "exception"))
        return answer["result"].get("value")

    def settle(self):
        """Two frames: what was asked for is drawn."""
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def key(self, name, times=1):
        codes = {"ArrowRight": 39, "ArrowLeft": 37, "Home": 36, "End": 35, " ": 32, "Tab": 9, "Enter": 13}
        for _ in range(times):
            text = {"text": name} if name == " " else {"text": "\r"} if name == "Enter" else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", key=name, windowsVirtualKeyCode=codes[name], **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=codes[name])
        self.settle()

    def mouse(self, kind, x, y):
        button = {"button": "left", "clickCount": 1} if kind != "mouseMoved" else {}
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)
        self.settle()

    def focus(self, selector):
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")

    def click(self, selector):
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")
        self.settle()

    def screenshot(self, path, whole=False):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole,
                         **({"clip": self.whole()} if whole else {}))["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def whole(self):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}

    def pdf(self):
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def own(self, method):
        return [e["params"] for e in self.browser.events if e["method"] == method and e.get("sessionId") == self.session]

    def complaints(self):
        """Errors and warnings of the console, exceptions, entries of the log."""
        console = [" ".join(str(a.get("value", a.get("description"))) for a in e["args"])
                   for e in self.own("Runtime.consoleAPICalled") if e["type"] in ("error", "warning", "assert")]
        exceptions = [e["exceptionDetails"].get("exception", {}).get("description", e["exceptionDetails"]["text"])
                      for e in self.own("Runtime.exceptionThrown")]
        log = [f"{e['entry']['level']}: {e['entry']['text']}" for e in self.own("Log.entryAdded")]
        return console + exceptions + log

    def requests(self):
        """Addresses asked for besides the page itself; data: stays inside it."""
        asked = [e["request"]["url"] for e in self.own("Network.requestWillBeSent")]
        return [a for a in asked if a != self.address and not a.startswith("data:")]

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)


def main():
    """chromium.py PAGE.html PICTURE.png [WIDTH HEIGHT [SCRIPT]]: a picture of a page, after a script."""
    page, picture, *rest = sys.argv[1:]
    width, height = (int(v) for v in rest[:2]) if len(rest) >= 2 else (1280, 900)
    with Chromium() as browser:
        shown = browser.open(page, width=width, height=height)
        if len(rest) > 2:
            shown.evaluate(rest[2])
            shown.settle()
        shown.screenshot(picture)


if __name__ == "__main__":
    main()
