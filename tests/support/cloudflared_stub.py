"""An executable called cloudflared, with the streams, files and exit codes of the real one and of its bugs.

The real one cannot talk to an emulator: it turns every address into https and asks servers of Cloudflare.
"""

import base64
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AUD = "a" * 64

_SCRIPT = """#!{python} -IS
import json, os, signal, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "stub.json")) as file:
    SET = json.load(file)
MODE = SET["mode"]
HOME = os.path.join(os.environ["HOME"], ".cloudflared")
BASE = os.path.join(HOME, SET["host"] + "-" + SET["aud"] + "-token")
LINK = SET["link"]


def err(*lines):
    for line in lines:
        sys.stderr.write(line + "\\n")
    sys.stderr.flush()


def login(args):
    flags, url = [a for a in args if a.startswith("-")], args[-1]
    if MODE == "usage":
        err("Incorrect Usage: flag provided but not defined: -auto-close")
        return 255
    if MODE == "not found":
        err("failed to find Access application at " + url)
        return 1
    if MODE == "deadlock":
        err("Another cloudflared process (pid %d) is already waiting for a login." % os.getpid())
        time.sleep(60)
    if MODE == "other waits":
        err("Another cloudflared process (pid 1) is already waiting for a login.")
    if MODE == "flood":
        for _ in range(2000):
            err("x" * 40000)
    if MODE == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    head = "A browser window should have opened at the following URL:"
    if MODE == "no browser":
        head = "Please open the following URL and log in with your Cloudflare account:"
    if MODE != "cached":
        os.makedirs(HOME, mode=0o700, exist_ok=True)
        if tuple(SET["version"]) >= (2026, 5, 0):
            with open(BASE + ".lock", "w") as file:
                json.dump({{"pid": os.getpid(), "start_time": int(time.time() * 1000)}}, file)
            with open(BASE + ".url", "w") as file:
                file.write(LINK)
        err(head, "", LINK, "", "Waiting for login...")
    if MODE in ("slow", "deaf"):
        if os.fork() == 0:
            with open(os.path.join(HERE, "grandchild"), "w") as file:
                file.write(str(os.getpid()))
            time.sleep(60)
        time.sleep(60)
    if MODE == "denied":
        err("failed to fetch resource: 403 Forbidden: account does not have access")
        return 1
    if MODE == "empty":
        return 0
    if MODE == "nonsense":
        sys.stdout.write("<html>not a token</html>")
        return 0
    if MODE != "unkept":
        os.makedirs(HOME, mode=0o700, exist_ok=True)
        with open(BASE, "w") as file:
            file.write(SET["token"])
    if os.path.exists(BASE + ".url"):
        os.remove(BASE + ".url")
    if "--no-verbose" in flags:
        sys.stdout.write(SET["token"])
    else:
        sys.stdout.write("Successfully fetched your token:\\n\\n" + SET["token"] + "\\n\\n")
    return 0


def token():
    try:
        with open(BASE) as file:
            sys.stdout.write(file.read())
    except FileNotFoundError:
        err("Unable to find token for provided application. Please run login command to generate token.")
        return 1
    return 0


with open(os.path.join(HERE, "calls"), "a") as file:
    file.write(json.dumps({{"args": sys.argv[1:], "env": sorted(os.environ)}}) + "\\n")
if sys.argv[1:] == ["--version"]:
    if MODE == "mute":
        time.sleep(60)
    print("cloudflared version %d.%d.%d (built 2026-01-01-0000 UTC)" % tuple(SET["version"]))
    sys.exit(0)
sys.exit(login(sys.argv[3:]) if sys.argv[1:3] == ["access", "login"] else token())
"""


def jwt(**claims: Any) -> str:
    """Return a token with the shape of one of Access and a signature that nobody made."""
    now = int(time.time())
    body = {
        "type": "app",
        "aud": [AUD],
        "email": "ada@example.com",
        "iss": "https://team.cloudflareaccess.com",
        "iat": now,
        "nbf": now,
        "exp": now + 86_400,
        "sub": "0001",
        **claims,
    }
    parts = [{"alg": "RS256", "kid": "k1"}, body]
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join((*coded, base64.urlsafe_b64encode(b"signature" * 8).rstrip(b"=").decode()))


@dataclass(frozen=True)
class CloudflaredStub:
    """A stub in a directory of its own, with a home of its own."""

    bin: Path
    home: Path
    token: str
    link: str

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}", "HOME": str(self.home)}

    @property
    def tokens(self) -> Path:
        return self.home / ".cloudflared"

    def calls(self) -> list[dict[str, Any]]:
        path = self.bin / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def grandchild(self) -> int | None:
        path = self.bin / "grandchild"
        text = path.read_text() if path.exists() else ""
        return int(text) if text else None


def stub_in(
    directory: Path,
    mode: str = "ok",
    *,
    version: tuple[int, int, int] = (2026, 8, 2),
    host: str = "wiki.example.com",
    token: str | None = None,
) -> CloudflaredStub:
    """Write a stub.

    Modes: ok, cached, no browser, slow, deaf, empty, nonsense, unkept, deadlock, other waits, flood,
    not found, denied, usage, mute.
    """
    stub = CloudflaredStub(
        directory / "bin",
        directory / "home",
        jwt() if token is None else token,
        f"https://{host}/cdn-cgi/access/cli?token=cHVibGljIGtleQ%3D%3D&aud={AUD}&send_org_token=true",
    )
    stub.bin.mkdir(parents=True)
    stub.home.mkdir()
    settings = {
        "mode": mode,
        "version": version,
        "host": host,
        "aud": AUD,
        "token": stub.token,
        "link": stub.link,
    }
    (stub.bin / "stub.json").write_text(json.dumps(settings))
    executable = stub.bin / "cloudflared"
    executable.write_text(_SCRIPT.format(python=sys.executable))
    executable.chmod(0o755)
    return stub
