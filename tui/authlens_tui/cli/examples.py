"""An example for each verb, shown at the end of its help and in the man page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "login": (
        "authlens login https://wiki.example.com/",
        "authlens login https://wiki.example.com/mcp --no-browser --json",
        "authlens login https://wiki.example.com/ https://git.example.com/",
    ),
    "probe": ("authlens probe https://wiki.example.com/ --json",),
    "token": ("authlens token https://wiki.example.com/ --min-ttl 300",),
    "headers": (
        "authlens headers https://wiki.example.com/",
        "authlens headers https://wiki.example.com/ --format lines | curl -H @- https://wiki.example.com/",
    ),
    "curl": ("authlens curl https://wiki.example.com/api -- -s --fail",),
    "proxy": (
        "authlens proxy https://wiki.example.com/",
        "authlens proxy https://wiki.example.com/mcp --socket /run/user/1000/wiki.sock",
    ),
    "mcp-bridge": ("authlens mcp-bridge https://wiki.example.com/mcp",),
    "mcp-config": (
        "authlens mcp-config claude-code https://wiki.example.com/mcp",
        "authlens mcp-config codex https://wiki.example.com/mcp --write",
    ),
    "run": ("authlens run --env MCP_TOKEN https://wiki.example.com/ -- python script.py",),
    "git-credential": (
        "git config --global credential.https://git.example.com.helper '!authlens git-credential'",
    ),
    "credential-helper": (
        """printf '{"uri":"https://cache.example.com/"}' | authlens credential-helper get""",
        "bazel build --credential_helper=cache.example.com=authlens-credential-helper //...",
    ),
    "explain": (
        "authlens explain 'redirect_uri is not allowed by organization settings'",
        "authlens explain < agent.log",
    ),
    "help": ("authlens help login",),
    "skill": ("authlens skill", "authlens skill --format agents --write"),
    "completion": (
        "authlens completion bash > ~/.local/share/bash-completion/completions/authlens",
        "authlens completion fish > ~/.config/fish/completions/authlens.fish",
        'eval "$(authlens completion zsh)"     in ~/.zshrc, after compinit',
    ),
    "man": ("authlens man > ~/.local/share/man/man1/authlens.1",),
    "list": ("authlens list --json", "authlens list --watch"),
    "refresh": ("authlens refresh https://wiki.example.com/",),
    "revoke": ("authlens revoke https://wiki.example.com/",),
    "events": ("authlens events https://wiki.example.com/ --limit 20",),
    "forget": ("authlens forget https://wiki.example.com/",),
    "clients": ("authlens clients --json", "authlens clients --forget CLIENT_ID"),
    "client-metadata": ("authlens client-metadata https://example.com/authlens.json > authlens.json",),
    "service-token": ("authlens service-token add https://ci.example.com/ --label ci",),
    "store": ("authlens store --move encrypted-file",),
    "export": ("authlens export https://wiki.example.com/ --format markdown",),
    "open": ("authlens open login.json",),
    "compare": ("authlens compare works.json fails.json",),
    "config": ("authlens config", "authlens config --keys"),
    "doctor": ("authlens doctor --json",),
    "demo": ("authlens demo --play",),
    "learn": (
        "authlens learn",
        "authlens --plain learn stolen-code",
        "authlens learn --list",
        "authlens learn show stolen-code",
        "authlens learn run stolen-code --answers moves.json --json",
        "authlens learn verify record.json",
        "authlens learn class /srv/class",
        "authlens learn progress --json",
    ),
    "emulator": ("authlens emulator --port 9000 --token-lifetime 30 --fault no-registration",),
}
