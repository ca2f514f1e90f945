"""Every verb as a process of its own, against a real `authlens emulator` process.

The keyring is a file here, so that it is looked into as easily as the other traces that a secret may leave;
`test_cli.py` does the same with a real keyring and with servers of others.
"""

import asyncio
import json
import os
import re
import signal
import socket
import stat
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from authlens_lab.emulator import play_person
from support.driven_login import is_free, leaks
from support.server_process import ended
from support.terminal import Terminal, callback_port, plain_link, terminal
from support.verb_process import (
    AUTHLENS,
    Done,
    authlens,
    emulated,
    log_in,
    machine_in,
    process_table,
    secrets_in,
)
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    return machine_in(tmp_path)


@pytest.fixture
def resource(lasting_resource: str) -> str:
    """A resource whose tokens last a quarter of an hour; each machine has grants of its own there."""
    return lasting_resource


async def link_in(screen: Terminal) -> str:
    await screen.wait_for("Waiting")
    return plain_link(screen)


NOBODY = "https://127.0.0.1:1/"


async def test_from_a_url_to_a_token_and_back(machine: dict[str, str], resource: str) -> None:
    """Probe, login, list, token, refresh, revoke: each with its answer on stdout and its words on stderr."""
    probed = await authlens(machine, "probe", resource)
    assert (probed.code, probed.answer.split()[:2]) == (0, ["protection", "oauth,"])

    logged_in = await log_in(machine, resource)
    assert logged_in.answer == ""
    assert "Authenticated." in logged_in.words
    assert "The tokens are stored in " in logged_in.words

    listed = await authlens(machine, "list")
    assert (listed.code, listed.words) == (0, "")
    assert "live" in listed.answer
    assert resource in listed.answer

    first = await authlens(machine, "token", resource)
    assert (first.code, first.words, len(first.answer.split())) == (0, "", 1)
    same = await authlens(machine, "token", resource)
    assert same == first

    refreshed = await authlens(machine, "refresh", resource)
    assert (refreshed.code, refreshed.answer) == (0, "")
    assert "Refreshed: a new access token, valid 14 min" in refreshed.words
    assert (await authlens(machine, "token", resource)).answer != first.answer

    revoked = await authlens(machine, "revoke", resource)
    assert (revoked.code, revoked.answer) == (0, "")
    assert "the resource refuses the access token" in revoked.words
    assert "Refresh token: revoked (200) according to the server; not tested." in revoked.words
    assert "The resource answered the token with 401, " in revoked.words

    gone = await authlens(machine, "token", resource)
    assert (gone.code, gone.answer) == (4, "")
    assert f"authlens login {resource}" in gone.words

    again = await authlens(machine, "revoke", resource)
    assert (again.code, again.answer) == (4, "")
    assert f"The login for {resource} was revoked " in again.words
    assert "authlens login" not in again.words


@pytest.mark.slow
async def test_several_urls_are_logged_in_to_one_after_another(
    machine: dict[str, str], resource: str
) -> None:
    """One that no one answers does not stop the next; the events name the URL, the code is the gravest."""
    done = await authlens(machine, "login", NOBODY, resource, "--port", "0", "--json")
    events = [json.loads(line) for line in done.answer.splitlines()]
    ends = {one["resource_url"]: one["event"] for one in events if "exit_code" in one}
    assert ends == {NOBODY: "failed", resource: "authenticated"}
    assert done.code == 6
    assert f"Login 2 of 2: {resource}" in done.words


async def test_revoking_a_url_ends_every_login_for_it(machine: dict[str, str], resource: str) -> None:
    """Another port is another client, and another login: none is left that `token` would hand out."""
    for _ in range(2):
        await log_in(machine, resource)
    kept = json.loads((await authlens(machine, "list", "--json")).answer)
    assert len(kept) == 2
    revoked = await authlens(machine, "revoke", resource, "--json")
    told = json.loads(revoked.answer)
    assert (revoked.code, {one["id"] for one in told}) == (0, {one["id"] for one in kept})
    assert all("401" in one["proof"][0] and len(one["tokens"]) == 2 for one in told)
    assert (await authlens(machine, "token", resource)).code == 4


async def test_a_token_that_would_not_last_is_refreshed(machine: dict[str, str], resource: str) -> None:
    """`--min-ttl` just below the lifetime: a new token, without a browser."""
    await log_in(machine, resource)
    first = await authlens(machine, "token", resource)
    await asyncio.sleep(1.1)

    second = await authlens({**machine, "BROWSER": "/bin/false"}, "token", resource, "--min-ttl", "899")

    assert second.code == 0
    assert second.answer != first.answer


async def test_no_call_refreshes_for_more_than_the_server_gives(
    machine: dict[str, str], resource: str
) -> None:
    await log_in(machine, resource)
    first = await authlens(machine, "token", resource)
    second = await authlens(machine, "token", resource, "--min-ttl", "999999")
    assert (second.code, second.answer) == (0, first.answer)
    assert "less than --min-ttl 999999: this server's tokens last 15 min" in second.words


async def test_a_token_that_the_resource_refused_is_renewed_once(
    machine: dict[str, str], resource: str
) -> None:
    """RFC 6750 §3.1: `token --refused` takes it from standard input; told of it again, nothing is sent."""
    await log_in(machine, resource)
    first = await authlens(machine, "token", resource)
    second = await authlens(machine, "token", "--refused", resource, typed=first.answer)
    assert (second.code, second.words) == (0, "")
    assert second.answer != first.answer
    again = await authlens(machine, "token", "--refused", resource, typed=first.answer)
    assert again.answer == second.answer
    empty = await authlens(machine, "token", "--refused", resource)
    assert (empty.code, empty.answer) == (2, "")


async def test_forget_removes_it_here_and_says_that_it_lives_on(
    machine: dict[str, str], resource: str
) -> None:
    """RV-7: forgetting and revoking are different actions with different words."""
    await log_in(machine, resource)
    entry = json.loads((await authlens(machine, "list", "--json")).answer)[0]

    forgotten = await authlens(machine, "forget", entry["id"])

    assert (forgotten.code, forgotten.answer) == (0, "")
    assert "The tokens were not revoked" in forgotten.words
    assert (await authlens(machine, "list", "--json")).answer == "[]\n"
    assert (await authlens(machine, "forget", resource)).code == 4


async def test_json_is_what_stdout_carries(machine: dict[str, str], resource: str) -> None:
    """Every verb that promises JSON prints JSON and nothing else."""
    probed = json.loads((await authlens(machine, "probe", resource, "--json")).answer)
    assert (probed["login_possible"], probed["exit_code"], probed["protection"]) == (True, 0, "oauth")

    logged_in = await log_in(machine, resource, "--json")
    events = [json.loads(line) for line in logged_in.answer.splitlines()]
    passed = [event["stage"] for event in events if event.get("outcome") == "passed"]
    assert (len(passed), passed[-1]) == (8, "access")
    assert events[-1]["event"] == "authenticated"
    assert events[-1]["kept"] is True

    listed = json.loads((await authlens(machine, "list", "--json")).answer)
    assert listed[0]["state"] == "live"
    assert 800 < listed[0]["remaining_seconds"] <= 900

    refreshed = json.loads((await authlens(machine, "refresh", "--all", "--json")).answer)
    assert refreshed[0]["outcome"] == "refreshed"

    revoked = json.loads((await authlens(machine, "revoke", "--all", "--json")).answer)
    assert (revoked[0]["removed"], revoked[0]["still_accepted"]) == (True, False)


async def test_no_secret_is_left_anywhere_but_in_the_store(
    machine: dict[str, str], resource: str, tmp_path: Path
) -> None:
    """V-7, V-8: not on stdout or stderr, but for `token`; in no argument, environment, export or file."""
    service_secret, passphrase = "5ecre7" * 10 + "abcd", "correct horse 0123"
    held: set[str] = {service_secret, passphrase}
    seen: list[Done] = []
    keyring, exports = tmp_path / "keyring.json", tmp_path / "exports"
    exports.mkdir()
    (tmp_path / "passphrase").touch(0o600)
    (tmp_path / "passphrase").write_text(passphrase)
    machine["AUTHLENS_PASSPHRASE_FILE"] = str(tmp_path / "passphrase")
    async with process_table() as processes:
        for more in (["--json"], []):
            seen.append(await log_in(machine, resource, *more))
            held |= set(secrets_in(machine))
        seen.append(await authlens(machine, "list", "--json"))
        seen.append(await authlens(machine, "refresh", "--all", "--json"))
        held |= set(secrets_in(machine))
        token = (await authlens(machine, "token", resource)).answer.strip()
        typed = f"{'0123456789abcdef' * 2}.access\n{service_secret}\n"
        for action in ("add", "test", "list", "replace"):
            named = [] if action == "list" else [resource]
            seen.append(await authlens(machine, "service-token", action, *named, "--json", typed=typed))
        for form in ("session", "har", "curl", "markdown"):
            file = str(exports / form)
            seen.append(await authlens(machine, "export", resource, "--format", form, "-o", file))
            seen.append(await authlens(machine, "export", resource, "--which", "refresh", "--format", form))
        seen.append(await authlens(machine, "compare", resource, str(exports / "session"), "--json"))
        seen.append(await authlens(machine, "store", "--move", "encrypted-file", "--json"))
        assert keyring.read_text() == "{}", seen[-1]
        seen.append(await authlens(machine, "refresh", "--all"))
        seen.append(await authlens(machine, "events", "--json"))
        seen.append(await authlens(machine, "revoke", "--all", "--json"))
        seen.append(await authlens(machine, "token", resource))

    assert token in held
    assert len(held) >= 8
    assert len(list(exports.iterdir())) == 4
    for done in seen:
        assert not any(leaks(done.answer + done.words, value) for value in held), done
    assert any(b"authlens_tui" in line and b"revoke" in line for line in processes)
    assert not any(value.encode() in line for value in held for line in processes)
    home = Path(machine["AUTHLENS_HOME"])
    files = [path for folder in (home, exports) for path in folder.rglob("*") if path.is_file()]
    assert home / "secrets.encrypted.json" in files
    for path in files:
        data = path.read_bytes().decode("latin-1")
        assert not any(leaks(data, value) for value in held), path.name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("fault", "verb", "code"),
    [
        ("public", "probe", 3),
        ("public", "login", 3),
        ("service-auth-only", "probe", 5),
        ("oauth-off", "probe", 7),
        ("wrong-issuer", "probe", 7),
        ("redirect-uri-refused", "login", 5),
        ("access-denied", "login", 5),
        ("iss-mismatch", "login", 7),
        ("denied-user", "login", 8),
        ("access-token-refused", "login", 5),
    ],
)
async def test_what_goes_wrong_has_its_exit_code(
    fault: str, verb: str, code: int, machine: dict[str, str]
) -> None:
    """The words say what to do, and stdout stays empty for `login`."""
    # Only the login whose browser never returns waits until its time is over.
    wait = "5" if fault == "denied-user" else "60"
    more = ["--port", "0", "--timeout", wait] if verb == "login" else []
    async with emulated("--fault", fault) as url:
        done = await authlens(machine, verb, url, *more)

    assert done.code == code, done.words
    assert "\n  → " in done.words
    if verb == "login":
        assert done.answer == ""


@pytest.mark.parametrize(
    ("fault", "verb", "code"),
    [("expired-refresh-token", "refresh", 4), ("revocation-unavailable", "revoke", 5)],
)
async def test_what_goes_wrong_afterwards_has_its_exit_code(
    fault: str, verb: str, code: int, machine: dict[str, str]
) -> None:
    """A dead refresh token needs a person; what the server did not revoke is not called revoked."""
    async with emulated("--fault", fault) as url:
        await log_in(machine, url)
        done = await authlens(machine, verb, url)
        still_there = json.loads((await authlens(machine, "list", "--json")).answer)

    assert done.code == code, done.words
    assert len(still_there) == 1


@pytest.mark.parametrize("verb", ["probe", "login"])
async def test_nobody_at_the_address_is_a_network_failure(verb: str, machine: dict[str, str]) -> None:
    done = await authlens(machine, verb, "https://127.0.0.1:1/")

    assert done.code == 6
    assert "nothing listens there" in done.words


@pytest.mark.parametrize("verb", ["refresh", "revoke"])
async def test_a_server_that_is_gone(verb: str, machine: dict[str, str]) -> None:
    """Exit code 6, and the credential is kept for another time."""
    async with emulated("--token-lifetime", "900") as url:
        await log_in(machine, url)

    done = await authlens(machine, verb, url)

    assert done.code == 6, done.words
    assert len(json.loads((await authlens(machine, "list", "--json")).answer)) == 1


async def test_without_a_keyring_nothing_is_begun(machine: dict[str, str], resource: str) -> None:
    """Exit code 9 before the first request: no client is registered for tokens that cannot be kept."""
    bare = {**machine, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}

    done = await authlens(bare, "login", resource, "--port", "0", "--json")

    assert done.code == 9, done.words
    assert [json.loads(line)["event"] for line in done.answer.splitlines()] == ["failed"]
    assert "Nothing was sent" in done.words


@pytest.mark.parametrize("settings", [{"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, {"LC_ALL": "POSIX"}])
async def test_a_terminal_without_utf_8_is_served(
    settings: dict[str, str], machine: dict[str, str], resource: str
) -> None:
    """H167: no UnicodeEncodeError from beginning to end."""
    plain = {**machine, **settings, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    done = await log_in(plain, resource)
    listed = await authlens(plain, "list")

    assert "Authenticated." in done.words
    assert listed.code == 0
    assert (done.words + listed.answer).isascii()


async def test_a_keyring_that_fails_at_the_end_is_no_success(
    machine: dict[str, str], resource: str, tmp_path: Path
) -> None:
    """The login worked and its tokens are lost: exit code 9, not 0."""
    locking = tmp_path / "locking"
    locked = str(tmp_path / "keyring.locked")
    locking.write_text(
        Path(machine["BROWSER"])
        .read_text()
        .replace("import asyncio", f"open({locked!r}, 'w')\nimport asyncio")
    )
    locking.chmod(0o700)
    denied = {
        **machine,
        "BROWSER": str(locking),
        "PYTHON_KEYRING_BACKEND": "support.keyring_backends.DeniedKeyring",
    }

    done = await authlens(denied, "login", resource, "--port", "0", "--json")

    assert done.code == 9, done.words
    assert json.loads(done.answer.splitlines()[-1])["kept"] is False
    assert "were not stored" in done.words
    assert (await authlens(denied, "list", "--json")).answer == "[]\n"


async def test_a_refresh_whose_tokens_cannot_be_kept_says_so(
    machine: dict[str, str], resource: str, tmp_path: Path
) -> None:
    """Exit code 9; where the keyring comes back in time they are kept after all."""
    await log_in(machine, resource)
    (tmp_path / "keyring.locked").touch()
    denied = {**machine, "PYTHON_KEYRING_BACKEND": "support.keyring_backends.DeniedKeyring"}

    done = await authlens(denied, "refresh", resource)

    assert done.code == 9, done.words
    assert "could not be stored" in done.words


async def test_the_address_is_pasted_and_not_shown(machine: dict[str, str], resource: str) -> None:
    """It holds a code. The terminal cuts nothing off, however long it is, and is itself again afterwards."""
    command = [*AUTHLENS, "login", resource, "--no-browser", "--port", "0"]
    async with terminal(command, env=machine) as screen:
        link = await link_in(screen)
        assert not screen.collects_lines()
        screen.send("nonsense\r")
        await screen.wait_for("Not the callback address")
        assert "ignored" not in screen.text()
        played = await play_person(link, deliver=False)
        assert played.callback_url is not None
        screen.send(f"{played.callback_url}&padding={'x' * 6_000}\r")
        await screen.wait_for("Authenticated")
        assert await screen.wait_for_exit() == 0
        assert screen.collects_lines()
        code = parse_qs(urlsplit(played.callback_url).query)["code"][0]
        assert code.encode() not in screen.raw


async def test_ctrl_z_gives_the_terminal_back_for_as_long(machine: dict[str, str], resource: str) -> None:
    """And `fg` goes on with the wait."""
    command = [*AUTHLENS, "login", resource, "--no-browser", "--port", "0"]
    async with terminal(command, env=machine) as screen:
        link = await link_in(screen)
        assert not screen.collects_lines()
        os.kill(screen.process.pid, signal.SIGTSTP)
        await screen.wait_until(screen.collects_lines, "echo")
        os.kill(screen.process.pid, signal.SIGCONT)
        await screen.wait_until(lambda: not screen.collects_lines(), "quiet")
        assert (await play_person(link)).delivered
        await screen.wait_for("Authenticated")
        assert await screen.wait_for_exit() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_the_emulator_in_good_order(number: signal.Signals) -> None:
    """One line on stdout, whatever ends it; the port is free."""
    process = await asyncio.create_subprocess_exec(
        *(*AUTHLENS, "emulator"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    url = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode().strip()
    process.send_signal(number)
    rest, words = await ended(process)

    assert process.returncode == 128 + number
    assert rest == b""
    assert b"Traceback" not in words
    assert is_free(urlsplit(url).port or 0)


@pytest.mark.parametrize("profile", ["access", "mcp", "generic"])
async def test_another_process_steers_the_emulator(profile: str) -> None:
    """Faults are set and cleared, tokens expire, and what was asked is listed; in every profile."""
    async with emulated("--profile", profile, "--admin") as url, httpx.AsyncClient(trust_env=False) as http:
        place = httpx.URL(url)
        metadata = place.copy_with(path=f"/.well-known/oauth-protected-resource{place.path.rstrip('/')}")
        issuer = (await http.get(metadata)).json()["authorization_servers"][0].rstrip("/")
        admin = f"{issuer}/emulator/admin"
        fault = (await http.get(admin)).json()["all_faults"][0]
        assert (await http.put(f"{admin}/faults", json=[fault])).json()["faults"] == [fault]
        assert (await http.put(f"{admin}/faults", json=[])).json()["faults"] == []
        state = (await http.post(f"{admin}/expire-access-tokens", json={})).json()
    assert [one["path"] for one in state["requests"]] == [metadata.path]


async def test_a_port_that_is_taken_is_said(machine: dict[str, str], resource: str) -> None:
    """Exit code 2 and the switch to use, not a crash."""
    done = await authlens(machine, "emulator", "--port", str(urlsplit(resource).port))

    assert (done.code, done.answer) == (2, "")
    assert "--port" in done.words


async def test_hostile_text_cannot_act_on_the_terminal(machine: dict[str, str]) -> None:
    """There is no escape sequence of the server's in all that the terminal got; ours are colours of signs."""
    async with emulated("--fault", "hostile-text") as url:
        command = [*AUTHLENS, "login", url, "--port", "0"]
        async with terminal(command, env=machine) as screen:
            await screen.wait_for("Authenticated")
            assert await screen.wait_for_exit() == 0
            assert b"\x1b" not in re.sub(rb"\x1b\[[0-9]{1,2}m", b"", screen.raw)
            assert b"\x07" not in screen.raw
            assert "\\e]52" in screen.raw.decode()
        probed = await authlens(machine, "probe", url)
    assert "\x1b" not in probed.answer + probed.words


async def test_a_port_that_is_taken_is_said_with_the_options_that_lead_on(
    machine: dict[str, str], resource: str
) -> None:
    """Another port, the other host name where that helps, or none at all."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = str(taken.getsockname()[1])
        done = await authlens(machine, "login", resource, "--port", port)
    assert done.code == 2
    for option in ("--port", "--redirect-host 127.0.0.1", "--paste-only"):
        assert f": authlens login {resource} " in done.words
        assert option in done.words


async def test_a_taken_redirect_uri_is_said_with_one_that_works(
    machine: dict[str, str], resource: str
) -> None:
    """What is named is the same one with a free port; followed word for word, the port is bound."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}/cb"
        done = await authlens(machine, "login", resource, "--redirect-uri", uri)
        [named] = re.findall(r"→ A free port.*: authlens (login .* --redirect-uri \S+/cb)\n", done.words)
        assert "--paste-only" not in done.words
        again = await authlens(machine, *named.split(), "--no-browser", "--timeout", "5")
    assert (done.code, again.code) == (2, 8)


async def test_over_ssh_the_link_and_the_way_back_are_shown(machine: dict[str, str], resource: str) -> None:
    """No browser, though BROWSER is set; the forward names the port that is really listened on."""
    remote = {**machine, "SSH_CONNECTION": "198.51.100.7 50000 203.0.113.9 22"}
    command = [*AUTHLENS, "login", resource, "--port", "0"]
    async with terminal(command, env=remote) as screen:
        link = await link_in(screen)
        port = callback_port(link)
        assert "browser on your own machine" in screen.text()
        assert f"ssh -N -L {port}:localhost:{port}" in screen.text()
        assert "203.0.113.9" in screen.text()
        assert (await play_person(link)).delivered
        await screen.wait_for("Authenticated")
        assert await screen.wait_for_exit() == 0


async def test_the_client_secret_is_asked_for_and_not_shown(machine: dict[str, str], resource: str) -> None:
    """It is in no argument, in no output, and in no child's environment."""
    canary = "canary-client-secret-51c7"
    command = [*AUTHLENS, "login", resource, "--no-browser", "--port", "0"]
    async with terminal([*command, "--client-id", "someone", "--client-secret"], env=machine) as screen:
        await screen.wait_for("Client secret")
        screen.send(f"{canary}\r")
        await screen.wait_for("Waiting")
        arguments = Path(f"/proc/{screen.process.pid}/cmdline").read_bytes()
        screen.press("ctrl+c")
        assert await screen.wait_for_exit() == 130
        assert canary.encode() not in bytes(screen.raw) + arguments


@pytest.mark.parametrize("kind", ["dumb", ""])
async def test_the_app_is_refused_on_a_terminal_that_cannot_show_it(
    kind: str, machine: dict[str, str]
) -> None:
    """H167: exit code 2 and the verb that works there."""
    command = ["/usr/bin/env", f"TERM={kind}", *AUTHLENS, "demo"]
    async with terminal(command, env=machine) as screen:
        assert await screen.wait_for_exit() == 2
        assert "cannot show a full screen" in screen.text()
        assert b"\x1b" not in screen.raw
