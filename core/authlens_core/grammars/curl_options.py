r"""The options of curl: which `authlens curl` passes on, why the others stay behind, and how words are read.

Source: the table `aliases` in src/tool_getparam.c of curl 8.14.1, which `curl --help all` shows. From 7.61
(2018) to 8.21 no option that is passed on takes another number of arguments. An option in neither table is
newer, or a mistake, and is refused.

Words are read as curl reads them; one that is not known refuses them all. Source: `parse_args` and
`getparameter` in the same file. A word that starts with one dash is a row of letters, up to one that takes a
value: the rest of the word, or the next word, whatever that starts with. A word that starts with two dashes
is the name of an option. Any other word is an address.

Stricter than curl, because its releases differ: before 8.6 it took any unambiguous beginning of a name in any
case, from 8.16 on it takes `--name=value`. Neither is accepted.

A file for `--config` has one option a line, so that no value becomes an option or an address. Source:
docs/cmdline-opts/config.md and `parseconfig` in src/tool_parsecfg.c. A line is a name without dashes, ` = `
and a value in quotes, in which a backslash escapes the next character.
"""

from __future__ import annotations

import shlex
from collections import deque
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final

from msgspec import Struct

from authlens_core.grammars.curl_header import has_control_character
from authlens_core.values.errors import UsageError


class Takes(Enum):
    """What follows an option."""

    NOTHING = "nothing"
    SWITCH = "nothing, and there is a form with --no-"
    WORD = "one word"


class NotPassedOn(Enum):
    """Why an option is refused: the cause, and what to do; `{url}` is the URL as a word of a shell."""

    ADDRESS = (
        "it would take the credential to another address than the one in the URL",
        "Omit it. To reach a host at another address, enter that in the hosts file of this machine.",
    )
    ANOTHER_URL = (
        "the credential goes to the one URL only",
        "Call it once for each URL: authlens curl {url}",
    )
    CONFIG = (
        "authlens cannot check options and values that curl reads or makes itself",
        "Write each option and its value after --: authlens curl {url} -- -sS",
    )
    CREDENTIAL = (
        "authlens sends the credential itself",
        "Omit it. See which credential is sent: authlens curl --which {url}",
    )
    NO_REQUEST = ("it sends no request", "Use curl alone: curl --help all")
    PROTOCOL = ("it is for protocols other than the URL's", "Omit it, or use curl alone.")
    PROXY = (
        "the environment names the proxy, and requests to this machine never use one",
        "Set it for authlens and curl: HTTPS_PROXY=http://proxy.example:3128 authlens curl {url}",
    )
    REDIRECT = (
        "a redirect could take the credential to any address",
        (
            "See where it leads, and call that URL: "
            "authlens curl {url} -- -sS -o /dev/null -w '%{{redirect_url}}\\n'"
        ),
    )
    SHOWN = (
        "it would show the credential",
        (
            "Show the answer's header fields: authlens curl {url} -- -sS -i     "
            "Show addresses, times and TLS: authlens curl {url} -- -sS -o /dev/null -w '%{{json}}\\n'"
        ),
    )
    TLS = (
        "it could weaken the connection or give its keys away",
        "Omit it. To set the lowest version: authlens curl {url} -- --tlsv1.3",
    )
    TRUST = (
        "authlens and curl trust the same authorities, and the check cannot be switched off",
        "Name the file with your authority: SSL_CERT_FILE=/path/to/ca.pem authlens curl {url}",
    )
    UNKNOWN = (
        "authlens does not know it",
        "Write an option of curl in full, as curl --help all shows it, and its value as the next word.",
    )

    def __init__(self, why: str, instead: str) -> None:
        self.why = why
        self.instead = instead


_PASSED_ON: Final = {
    Takes.NOTHING: """
        http1.0/0 http1.1 http2 http2-prior-knowledge http3 http3-only ipv4/4 ipv6/6 tlsv1.2 tlsv1.3
    """,
    Takes.SWITCH: """
        alpn buffer/N cert-status clobber compressed create-dirs crlf disable/q disallow-username-in-url
        fail/f fail-early fail-with-body form-escape get/G globoff/g head/I http0.9
        ignore-content-length include junk-session-cookies/j keepalive mptcp npn out-null parallel/Z
        parallel-immediate path-as-is progress-bar/# progress-meter raw remote-header-name/J
        remote-name/O remote-name-all remote-time/R remove-on-error retry-all-errors retry-connrefused
        sessionid show-error/S show-headers/i silent/s skip-existing styled-output
        suppress-connect-headers tcp-fastopen tcp-nodelay tr-encoding use-ascii/B xattr
    """,
    Takes.WORD: """
        cert/E cert-type connect-timeout continue-at/C cookie/b cookie-jar/c create-file-mode crlfile
        data/d data-ascii data-binary data-raw data-urlencode dump-header/D etag-compare etag-save
        expect100-timeout form/F form-string happy-eyeballs-timeout-ms header/H ip-tos json
        keepalive-cnt keepalive-time key key-type limit-rate local-port max-filesize max-time/m output/o
        output-dir parallel-max parallel-max-host pass pinnedpubkey range/r rate referer/e request/X
        retry retry-delay retry-max-time speed-limit/Y speed-time/y stderr time-cond/z upload-file/T
        url-query user-agent/A vlan-priority write-out/w
    """,
}

_STAY_BEHIND: Final = {
    NotPassedOn.ADDRESS: """
        abstract-unix-socket alt-svc connect-to dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers
        doh-url haproxy-clientip haproxy-protocol hsts interface ipfs-gateway request-target resolve
        unix-socket
    """,
    NotPassedOn.ANOTHER_URL: "metalink next/: url",
    NotPassedOn.CONFIG: "config/K variable",
    NotPassedOn.CREDENTIAL: """
        anyauth aws-sigv4 basic delegation digest httpsig-algo httpsig-headers httpsig-key httpsig-keyid
        krb login-options negotiate netrc/n netrc-file netrc-optional ntlm ntlm-wb oauth2-bearer
        sasl-authzid sasl-ir service-name user/u
    """,
    NotPassedOn.NO_REQUEST: "dump-ca-embed help/h manual/M version/V",
    NotPassedOn.PROTOCOL: """
        append/a compressed-ssh disable-eprt disable-epsv eprt epsv ftp-account ftp-alternative-to-user
        ftp-create-dirs ftp-method ftp-pasv ftp-port/P ftp-pret ftp-skip-pasv-ip ftp-ssl-ccc
        ftp-ssl-ccc-mode ftp-ssl-control hostpubmd5 hostpubsha256 knownhosts list-only/l mail-auth
        mail-from mail-rcpt mail-rcpt-allowfails proto proto-default pubkey quote/Q ssl ssl-reqd
        telnet-option/t tftp-blksize tftp-no-options upload-flags
    """,
    NotPassedOn.PROXY: """
        noproxy preproxy proxy/x proxy-anyauth proxy-basic proxy-ca-native proxy-cacert proxy-capath
        proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-digest proxy-header proxy-http2
        proxy-http3 proxy-insecure proxy-key proxy-key-type proxy-negotiate proxy-ntlm proxy-pass
        proxy-pinnedpubkey proxy-service-name proxy-ssl-allow-beast proxy-ssl-auto-client-cert
        proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword proxy-tlsuser proxy-tlsv1 proxy-user/U
        proxy1.0 proxytunnel/p socks4 socks4a socks5 socks5-basic socks5-gssapi socks5-gssapi-nec
        socks5-gssapi-service socks5-hostname
    """,
    NotPassedOn.REDIRECT: "follow location/L location-trusted max-redirs post301 post302 post303 proto-redir",
    NotPassedOn.SHOWN: "libcurl trace trace-ascii trace-config trace-ids trace-time verbose/v",
    NotPassedOn.TLS: """
        ciphers curves ech egd-file engine false-start random-file sigalgs ssl-allow-beast ssl-no-revoke
        ssl-revoke-best-effort ssl-sessions sslv2/2 sslv3/3 tls-earlydata tls-max tls13-ciphers
        tlsauthtype tlspassword tlsuser tlsv1/1 tlsv1.0 tlsv1.1
    """,
    NotPassedOn.TRUST: """
        ca-native cacert capath doh-cert-status doh-insecure insecure/k ssl-auto-client-cert
    """,
}


def _named(table: str) -> list[tuple[str, str]]:
    """Return name and letter of each option in a table of words like `silent/s`."""
    return [(name, letter) for name, _, letter in (word.partition("/") for word in table.split())]


PASSED_ON: Final = {name: takes for takes, table in _PASSED_ON.items() for name, _ in _named(table)}
STAYS_BEHIND: Final = {name: reason for reason, table in _STAY_BEHIND.items() for name, _ in _named(table)}
NAME_OF_LETTER: Final = {
    letter: name
    for table in (*_PASSED_ON.values(), *_STAY_BEHIND.values())
    for name, letter in _named(table)
    if letter
}


_DASHES = "‐‑‒–—―−﹘﹣－"  # what word processors make of the ASCII dash
_LONGEST_SHOWN = 60  # characters


class CurlOptionRefused(UsageError):
    """A word of a curl command line is not passed on.

    Args:
        word: as it is shown.
        reason: why.
        url: what the credential is for.
    """

    def __init__(self, word: str, reason: NotPassedOn, url: str) -> None:
        instead = reason.instead.format(url=shlex.quote(url))
        super().__init__(f"{word!r} is not passed on to curl: {reason.why}.", instead)
        self.reason = reason


class CurlOption(Struct, frozen=True):
    """One option of a curl command line.

    Attributes:
        name: its long name without dashes and without `no-`.
        written: the option alone: `-X`, `--request`, `--no-buffer`.
        value: None if it takes none.
    """

    name: str
    written: str
    value: str | None = None

    @property
    def on(self) -> bool:
        return not self.written.startswith("--no-")

    @property
    def words(self) -> tuple[str, ...]:
        """The option in words that curl reads in one way only."""
        return (self.written,) if self.value is None else (self.written, self.value)


def read_options(words: Sequence[str], url: str) -> tuple[CurlOption, ...]:
    """Return the options in `words`, the part of a curl command line without the URL.

    Args:
        url: what the request is for; refusals name it.

    Raises:
        CurlOptionRefused: a word is not an option that is passed on.
        UsageError: an option lacks its value.
    """
    return tuple(_options(deque(words), url))


def _options(words: deque[str], url: str) -> Iterator[CurlOption]:
    while words:
        word = words.popleft()
        if word.startswith("--") and word != "--":
            yield _long(word, words, url)
        elif word.startswith("-") and word not in ("-", "--"):
            yield from _letters(word, words, url)
        else:
            raise _not_an_option(word, url)


def _long(word: str, words: deque[str], url: str) -> CurlOption:
    name, negated = word.removeprefix("--"), False
    # curl negates a switch by --no-NAME (curl(1)); a name of its own comes first.
    if name not in PASSED_ON and name.startswith("no-"):
        name, negated = name.removeprefix("no-"), True
    takes = PASSED_ON.get(name)
    # Not abbreviated, as curl allows it: what an abbreviation means changes with its version.
    if takes is None or (negated and takes is not Takes.SWITCH):
        raise CurlOptionRefused(_shown(word), _reason(word, name), url)
    value = _next(word, words) if takes is Takes.WORD else None
    return CurlOption(name, word, value)


def _letters(word: str, words: deque[str], url: str) -> Iterator[CurlOption]:
    for after, letter in enumerate(word[1:], 2):
        written, name = f"-{letter}", NAME_OF_LETTER.get(letter, "")
        takes = PASSED_ON.get(name)
        if takes is None:
            raise CurlOptionRefused(written, STAYS_BEHIND.get(name, NotPassedOn.UNKNOWN), url)
        if takes is Takes.WORD:
            # -HName:value and -H Name:value are the same; what is behind the letter is its value to the end
            # of the word.
            yield CurlOption(name, written, word[after:] or _next(written, words))
            return
        yield CurlOption(name, written)


def _next(written: str, words: deque[str]) -> str:
    if not words:
        raise UsageError(f"{written} needs a value.", f"Write it after {written}, as a word of its own.")
    return words.popleft()


def _reason(word: str, name: str) -> NotPassedOn:
    if word.startswith("--expand-"):
        return NotPassedOn.CONFIG
    return STAYS_BEHIND.get(name, NotPassedOn.UNKNOWN)


def _not_an_option(word: str, url: str) -> UsageError:
    if word[:1] in _DASHES and word:
        return UsageError(f"{_shown(word)!r} starts with a dash that curl does not know.", "Type an ASCII -.")
    return CurlOptionRefused(_shown(word), NotPassedOn.ANOTHER_URL, url)


def _shown(word: str) -> str:
    """Return a word without what may be a secret behind `=`, and not too long."""
    return word.partition("=")[0][:_LONGEST_SHOWN] if word.startswith("--") else word[:_LONGEST_SHOWN]


def config_line(name: str, value: str | None = None) -> str:
    """Return one line with the option `name`, and its line end.

    Raises:
        ValueError: the value has a control character, which no URL and no field of a request has.
    """
    if value is None:
        return f"{name}\n"
    # A line end in a value would begin another option of the configuration.
    if has_control_character(value):
        raise ValueError("a value has a control character")
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name} = "{quoted}"\n'
