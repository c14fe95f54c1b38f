# SPDX-License-Identifier: GPL-2.0-only
"""A headless Chromium to look at pages with, through its own chromedriver and nothing else: opens
files, runs JavaScript, moves the pointer, and remembers what the page said and asked for."""

import atexit
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import harness

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--allow-file-access-from-files=false", "--hide-scrollbars"]
PATIENCE = 20  # seconds

shared = None


class Browser:
    """One session of one chromedriver, with a profile of its own."""

    def __init__(self, driver, chromium):
        self.profile = tempfile.mkdtemp(prefix="convoy-chromium-")
        self.log = open(os.path.join(self.profile, "driver.log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen([driver, "--port=0"], stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL)
        harness.wait_until(lambda: self.port() is not None, "chromedriver listens")
        options = {"binary": chromium, "args": FLAGS + [
            f"--user-data-dir={os.path.join(self.profile, 'data')}"]}
        answer = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
        self.session = f"/session/{answer['sessionId']}"

    def port(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8") as file:
            words = file.read().rpartition("started successfully on port ")
        digits = words[2].split(".")[0].strip()
        return int(digits) if words[1] and digits.isdigit() else None

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port()}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()[:2000]}") from None

    def close(self):
        try:
            self.ask("DELETE", self.session)
        except (AssertionError, OSError):
            pass
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def cdp(self, command, **parameters):
        return self.ask("POST", f"{self.session}/goog/cdp/execute",
                        {"cmd": command, "params": parameters})

    def size(self, width, height=900, scheme="light"):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=False)
        self.cdp("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, path):
        """Opens a file; returns when its first picture, if it has one, is drawn: after how many
        ms of the page's own clock."""
        for kind in ("browser", "performance"):
            self.logs(kind)
        self.ask("POST", f"{self.session}/url", {"url": f"file://{path}"})
        harness.wait_until(lambda: self.run(
            "const c = document.querySelector('canvas');"
            "return document.getElementById('main').getAttribute('aria-busy') === null &&"
            "  (!c || c.dataset.drawMs !== undefined)"), "the page is drawn", PATIENCE)
        return self.run("return performance.now()")

    def run(self, script, *arguments):
        return self.ask("POST", f"{self.session}/execute/sync",
                        {"script": script, "args": list(arguments)})

    def run_async(self, script, *arguments):
        """A script that calls the last of its arguments when it is done."""
        return self.ask("POST", f"{self.session}/execute/async",
                        {"script": script, "args": list(arguments)})

    def logs(self, kind):
        return self.ask("POST", f"{self.session}/se/log", {"type": kind})

    def complaints(self):
        """What the console was told."""
        return [entry["message"] for entry in self.logs("browser")]

    def requests(self):
        """Addresses the page asked for, files and data aside."""
        messages = [json.loads(entry["message"])["message"]
                    for entry in self.logs("performance")]
        found = [message["params"]["request"]["url"] for message in messages
                 if message["method"] == "Network.requestWillBeSent"]
        return [url for url in found if not url.startswith(("file:", "data:"))]

    def pointer(self, *steps):
        self.ask("POST", f"{self.session}/actions", {"actions": [
            {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"},
             "actions": list(steps)}]})

    def wheel(self, x, y, delta):
        self.ask("POST", f"{self.session}/actions", {"actions": [
            {"type": "wheel", "id": "wheel", "actions": [
                {"type": "scroll", "x": x, "y": y, "deltaX": 0, "deltaY": delta,
                 "duration": 0}]}]})

    def keys(self, text):
        actions = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self.ask("POST", f"{self.session}/actions",
                 {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def screenshot(self):
        return base64.b64decode(self.ask("GET", f"{self.session}/screenshot"))

    def print_pdf(self):
        return base64.b64decode(self.ask("POST", f"{self.session}/print", {"background": True}))


def move(x, y, duration=0):
    return {"type": "pointerMove", "x": round(x), "y": round(y), "duration": duration}


def press():
    return {"type": "pointerDown", "button": 0}


def release():
    return {"type": "pointerUp", "button": 0}


def browser():
    """The browser of this test program; a case that needs it is skipped where there is none."""
    global shared
    driver = shutil.which("chromedriver")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not driver or not chromium:
        raise harness.Skip("no Chromium here (Debian: chromium, chromium-driver)")
    if not shared:
        shared = Browser(driver, chromium)
        atexit.register(shared.close)
        time.sleep(0.1)
    return shared
