"""What the name of a token file of cloudflared says, and what it leaves open.

cloudflared writes `<host><path>-<aud>-token`, and `-` for every `/` and `*`. So a name with a hyphen behind a
dot can be read in several ways: `my.app-x.example.com` is a host, or the path `/x.example.com` of `my.app`,
which is another owner's. Every reading is a guess until the address itself names the AUD of the file.
"""

from __future__ import annotations

from itertools import product
from typing import Final

from authlens_core.values.formats.url_path import is_ambiguous
from authlens_core.values.url import Url, usable_url

_AUD_LENGTH: Final = 64  # hexadecimal digits
_HEX: Final = frozenset("0123456789abcdef")
# Hosts that one file name may stand for; each costs a request.
_MOST_HOSTS: Final = 4
_MOST_PATHS: Final = 8  # of one host
_LONGEST_CHOICE: Final = 3  # hyphens of a path that are tried in every way


def application_name(base: str) -> tuple[str, str]:
    """Return host with path, and AUD, of a file name without `-token`; no AUD where it has none."""
    name, dash, audience = base.rpartition("-")
    if not (dash and len(audience) == _AUD_LENGTH and _HEX.issuperset(audience)):
        name, audience = base, ""
    # No host begins with a hyphen: here it stands for the asterisk of an application on a wildcard.
    return (f"*{name[1:]}" if name.startswith("-.") else name), audience


def names_of(url: Url) -> tuple[str, ...]:
    """Return what file names may hold for a URL: host and path, then with less and less of the path.

    The demo keeps the port of its application in the name, too.
    """
    segments = [segment for segment in url.path.split("/") if segment][:20]
    # A token for a path is not for what a server may read as another path.
    if is_ambiguous(url.path):
        segments = []
    hosts = (url.host, f"*.{url.host.partition('.')[2]}", *_here(url))
    return tuple(
        "-".join((name, *segments[:length])) for length in range(len(segments), -1, -1) for name in hosts
    )


def can_only_mean(name: str, url: Url) -> bool:
    """Return whether `name` is the host of `url` and has no other reading, so that no one has to be asked."""
    return name in (url.host, *_here(url)) and all(other == name for other in _hosts(name))


def readings(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the addresses that `name` can mean: for each possible host its URLs, the likeliest first.

    Nothing for a wildcard, which is no one address. Four hosts and eight paths of each at most.
    """
    here = usable_url(f"http://{name}/", loopback_http=True)
    if here is not None and name in _here(here):
        return ((here.text,),)
    if "*" in name:
        return ()
    hosts = [(host, name[len(host) + 1 :].strip("-")) for host in _hosts(name)[:_MOST_HOSTS]]
    return tuple(tuple(f"https://{host}/{path}" for path in _paths(rest)) for host, rest in hosts)


def sure_address(name: str) -> str:
    """Return the address that `name` means where it can mean no other, or nothing."""
    possible = readings(name)
    url = usable_url(possible[0][0], loopback_http=True) if len(possible) == 1 else None
    return possible[0][0] if url is not None and can_only_mean(name, url) else ""


def login_address(name: str) -> str:
    """Return an address of the only host that `name` can mean, to log in to it; nothing where unsure."""
    possible = readings(name)
    return possible[0][0] if len(possible) == 1 else ""


def _here(url: Url) -> tuple[str, ...]:
    return (f"{url.host}:{url.port}",) if url.is_loopback and url.port is not None else ()


def _hosts(name: str) -> tuple[str, ...]:
    cuts = [*(position for position, sign in enumerate(name) if sign == "-"), len(name)]
    return tuple(name[:cut] for cut in cuts if _is_host(name[:cut]))


def _is_host(text: str) -> bool:
    """Return whether an application can be on `text`: no top-level domain has a hyphen, but for `xn--`."""
    url = usable_url(f"https://{text}/")
    if url is None or url.host != text or "." not in text:
        return False
    labels = text.split(".")
    if all(label.isdigit() for label in labels):
        return True  # an address, which the parser has checked
    is_name = all(label and label[0] != "-" and label[-1] != "-" for label in labels)
    last = labels[-1]
    return is_name and ((last.isalpha() and last != "xn") or last.startswith("xn--"))


def _paths(rest: str) -> tuple[str, ...]:
    """Return the paths that `rest` can mean: every hyphen a slash, none, then some of them."""
    first, *others = rest.split("-")
    paths = ["/".join((first, *others)), rest]
    if len(others) <= _LONGEST_CHOICE:
        signs = product("/-", repeat=len(others))
        paths += [first + "".join(map(str.__add__, chosen, others)) for chosen in signs]
    usable = (path for path in paths if usable_url(f"https://host.example/{path}") is not None)
    return tuple(dict.fromkeys(usable))[:_MOST_PATHS]
