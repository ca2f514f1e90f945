"""The options of the verbs for scripts and coding agents."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

from authlens_core.values.store_kind import CredentialKind
from authlens_tui.cli.option_values import LONGEST_TTL, flag, nearest, number, port

_CURL_EPILOG: Final = """\
A line on stderr that starts with "authlens:" is from authlens. The exit code is
curl's, but 6 where curl cannot reach the resource, 8 where that takes too long,
and 5 for a login page or a refusal, unless -i, -I, -D or -w ask for the status.
A 401 is one refresh; the request is sent again if curl can read its body again.
A web page of Access that refuses is left out except on a terminal; -i shows it.
If nothing is stored for URL, what needs no login is called as it is.
"""


def add_min_ttl(add: argparse.ArgumentParser) -> None:
    add.add_argument("url", metavar="URL", help="the protected resource")
    _min_ttl(add)


def _min_ttl(add: argparse.ArgumentParser) -> None:
    add.add_argument(
        "--min-ttl",
        type=number(0, LONGEST_TTL),
        metavar="S",
        help="refresh a token that expires within S seconds (60, or half its lifetime if that is less)",
    )


def add_credential(add: argparse.ArgumentParser) -> None:
    add.add_argument("url", metavar="URL", help="the protected resource")
    _add_min_ttl_and_kind(add)
    flag(add, "--which", "list the credentials that cover URL, in order, and stop")


def _add_min_ttl_and_kind(add: argparse.ArgumentParser) -> None:
    _min_ttl(add)
    kinds = [kind.value for kind in CredentialKind]
    add.add_argument(
        "--kind",
        metavar="KIND",
        choices=kinds,
        help=f"kind of credential: {', '.join(kinds)} (default: the first of these that covers URL)",
    )


_PROXY_EPILOG: Final = """\
serves URL and what is below it, to programs of your account:
  On Linux, other accounts of this machine are refused. macOS and Windows do not
  say whose program connects: there another account that learns the printed URL,
  from the arguments of a client for example, can use your credential. On macOS,
  prefer --socket.
in a browser:
  Type or paste the printed URL; links from other pages are refused. Cookies
  that the resource did not set through this proxy stay here, and service
  workers do not run.
"""


def _add_proxy(add: argparse.ArgumentParser) -> None:
    add_credential(add)
    where = add.add_mutually_exclusive_group()
    where.add_argument(
        "--port", type=port, default=0, metavar="N", help=("port on 127.0.0.1 (default: any free port)")
    )
    where.add_argument(
        "--socket", metavar="PATH", help=("a Unix socket instead of a port, only for your account")
    )
    add.epilog = _PROXY_EPILOG


def _add_headers(add: argparse.ArgumentParser) -> None:
    add_credential(add)
    add.add_argument(
        "--format",
        choices=["json", "lines", "bazel"],
        default="json",
        help="json: an object (the default); lines: one header per line, for curl -H @-; bazel: as "
        "credential-helper",
    )
    add.add_argument(
        "--method",
        default="GET",
        metavar="METHOD",
        help="method of the request to sign for, if the token is bound to a key (DPoP) (default: GET)",
    )


_MCP_CONFIG_EPILOG: Final = """\
another agent:
  Compare its documentation with what these print, and name its file:
  authlens mcp-config AGENT URL --file FILE --write
    "mcpServers"        cursor, or claude-code for a program of the shell
    "servers"           vscode
    "context_servers"   zed
    TOML                codex
"""


def _known(agents: tuple[str, ...]) -> Callable[[str], str]:
    """Return what reads the name of an agent, and says for another one what may fit it."""

    def read(name: str) -> str:
        if name not in agents:
            near = nearest(name, agents)
            raise argparse.ArgumentTypeError(
                f"authlens does not know {name!r}. "
                + (f"Did you mean {near}? " if near else "")
                + 'If its file has "mcpServers", as most have: authlens mcp-config cursor URL --file FILE '
                "--write. Other forms: authlens help mcp-config"
            )
        return name

    return read


def _add_mcp_config(add: argparse.ArgumentParser) -> None:
    from authlens_core.desk.agents import AgentServer  # the other verbs need none

    add.epilog = _MCP_CONFIG_EPILOG
    add.add_argument(
        "agent",
        type=_known(AgentServer.agents),
        choices=AgentServer.agents,
        metavar="AGENT",
        help=", ".join(AgentServer.agents),
    )
    add.add_argument("url", metavar="URL", help="the protected MCP server")
    do = add.add_mutually_exclusive_group()
    flag(do, "--write", "add it to the agent's file; a backup is made")
    flag(do, "--remove", "remove it from the agent's file, and with the last server the backups")
    add.add_argument(
        "--name", metavar="NAME", help="name of the server in the file (default: from host and path)"
    )
    add.add_argument("--file", metavar="FILE", help="use this file instead of the agent's own")


def _add_credential_helper(add: argparse.ArgumentParser) -> None:
    add.add_argument("action", choices=["get"], help="the protocol's only action")
    _add_min_ttl_and_kind(add)


def _add_git_credential(add: argparse.ArgumentParser) -> None:
    # gitcredentials(7): a helper silently ignores every other operation.
    add.add_argument("action", metavar="{get,store,erase}", help="the operation that git requests")


def add_curl(add: argparse.ArgumentParser) -> None:
    add.usage = "authlens curl [options] URL [-- CURL ARGS]"
    add.epilog = _CURL_EPILOG
    add_credential(add)
    add.add_argument(
        "arguments", metavar="CURL ARGS", nargs="*", help="after --: options of curl for one request"
    )


def _add_run(add: argparse.ArgumentParser) -> None:
    add.usage = "authlens run [options] URL -- COMMAND [ARGS]"
    add.epilog = (
        'A line on stderr that starts with "authlens:" is from authlens, and so is the\n'
        "exit code then. Without one, both are those of the command. The resource is\n"
        "asked with the token first: the command cannot renew it.\n"
    )
    add_credential(add)
    add.add_argument(
        "--env",
        metavar="NAME",
        default="ACCESS_TOKEN",
        help="variable for an access token (ACCESS_TOKEN); other credentials are named after their fields",
    )
    add.add_argument("command", metavar="COMMAND", nargs="*", help="after --: the command and its arguments")


def _add_explain(add: argparse.ArgumentParser) -> None:
    add.add_argument("text", metavar="TEXT", nargs="*", help="the message (- or none: standard input)")
    flag(add, "--json", "a JSON array on stdout")


def _add_skill(add: argparse.ArgumentParser) -> None:
    add.add_argument(
        "--format",
        choices=["skill", "agents"],
        default="skill",
        help="skill: a SKILL.md (the default); agents: a section for AGENTS.md",
    )
    flag(
        add,
        "--write",
        "write .claude/skills/authlens/SKILL.md, or the section in AGENTS.md, in this directory",
    )


def _add_completion(add: argparse.ArgumentParser) -> None:
    add.add_argument("shell", choices=["bash", "zsh", "fish"], help="which shell")


_Add = Callable[[argparse.ArgumentParser], None]
AGENT_VERBS: Final[dict[str, tuple[str, _Add]]] = {
    "proxy": ("serve the resource on this machine, with the credential added", _add_proxy),
    "mcp-bridge": ("run a remote MCP server as a local one on stdin and stdout", add_credential),
    "mcp-config": ("add a protected MCP server to a coding agent's configuration", _add_mcp_config),
    "run": ("run a command with the credential in its environment", _add_run),
    "git-credential": ("be a credential helper for git, with Bearer tokens", _add_git_credential),
    "credential-helper": ("be a credential helper for Bazel, EngFlow and uv", _add_credential_helper),
    "explain": ("explain a pasted error message and its fix; sends nothing", _add_explain),
    "skill": ("print instructions for a coding agent that uses authlens", _add_skill),
    "completion": ("print the completion script for a shell", _add_completion),
    "man": ("print the man page (roff)", lambda _: None),
}
HEADERS: Final[tuple[str, _Add]] = ("print the credential for a URL as header fields", _add_headers)
