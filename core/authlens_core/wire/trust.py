"""Whom TLS connections are trusted to, and why one was not.

Companies that inspect TLS put their certificate authority into the operating system's store, so that store
is asked first; the bundle that Python packages carry does not know them. There is no way to switch the
check off.
"""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# Where the systems without OpenSSL's own default keep their bundle.
_BUNDLES: Final = (
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
)

# OpenSSL's X509_V_ERR codes (x509_vfy.h) in plain words.
_REASONS: Final = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed",
    19: "it is signed by an authority that this machine does not trust",
    20: "it is signed by an authority that this machine does not trust",
    21: "it is signed by an authority that this machine does not trust",
    23: "it has been revoked",
    62: "it is for another host name",
    64: "it is for another address",
}
_UNTRUSTED: Final = frozenset({18, 19, 20, 21})
_CLOCK: Final = frozenset({9, 10})
_INSTALL: Final = (
    "install its certificate in the operating system's store, or set SSL_CERT_FILE to its PEM file"
)


class TrustUnusable(Exception):
    """The certificates to trust cannot be read. The text is a sentence that names the setting."""


class CertificateRefused(ssl.SSLCertVerificationError):
    """A certificate that failed the check, with the name of who issued it when that could be read."""

    issuer: str | None = None


def _store_exists() -> bool:
    """Return whether the operating system has certificates at all; a small container may have none."""
    if sys.platform in {"darwin", "win32"}:
        return True
    paths = ssl.get_default_verify_paths()
    if paths.cafile or any(Path(bundle).is_file() for bundle in _BUNDLES):
        return True
    return bool(paths.capath) and any(Path(paths.capath).glob("*.0"))


def _from_files(cafile: str | None, capath: str | None) -> ssl.SSLContext:
    # Not ssl.create_default_context(): that would also obey SSLKEYLOGFILE, and since Python 3.13 refuse
    # the authorities of many inspection products for a formality (VERIFY_X509_STRICT).
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # RFC 8996 forbids what is older; some distributions still allow it.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=cafile, capath=capath)
    return context


def trust_files(environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the file and the directory of certificates that replace the system's; None for one not named.

    Raises:
        TrustUnusable: it is not a directory.
    """
    cafile, capath = environ.get("SSL_CERT_FILE") or None, environ.get("SSL_CERT_DIR") or None
    # requests takes a file or a directory there; a directory is not read here.
    bundle = environ.get("REQUESTS_CA_BUNDLE") or ""
    if cafile is None and capath is None and Path(bundle).is_file():
        cafile = bundle
    if capath is not None and not Path(capath).is_dir():
        raise TrustUnusable("SSL_CERT_DIR is not a directory.")
    return cafile, capath


def trusted(environ: Mapping[str, str] | None = None) -> tuple[ssl.SSLContext, str]:
    """Return a context that checks chain and name, and in a few words whose authorities it trusts.

    Reads files, so call it outside the event loop.
    `SSL_CERT_FILE` and `SSL_CERT_DIR`, else the file in `REQUESTS_CA_BUNDLE`, replace everything
    else; then the operating system's store; then,
    where there is none, the bundle of certifi.

    Raises:
        TrustUnusable: a file or directory that was named cannot be read, or holds no certificate.
    """
    environ = os.environ if environ is None else environ
    cafile, capath = trust_files(environ)
    if cafile is not None or capath is not None:
        try:
            paths = " and ".join(path for path in (cafile, capath) if path)
            return _from_files(cafile, capath), f"{paths} (SSL_CERT_FILE, SSL_CERT_DIR or REQUESTS_CA_BUNDLE)"
        except OSError:
            ours = environ.get("SSL_CERT_FILE") or environ.get("SSL_CERT_DIR")
            variable = "SSL_CERT_FILE" if ours else "REQUESTS_CA_BUNDLE"
            raise TrustUnusable(f"{variable} is not a PEM file with certificates.") from None
    if _store_exists():
        try:
            import truststore

            return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "the operating system's store"
        except ImportError:
            pass
    import certifi

    return _from_files(certifi.where(), None), "certifi's bundle, because the operating system has none"


def _issuer(connection: ssl.SSLObject) -> str | None:
    """Return the issuer's name in the certificate that the peer sent, or None."""
    inner = getattr(connection, "_sslobj", None)  # public only since Python 3.13
    read = getattr(inner, "get_unverified_chain", None)
    chain = read() if callable(read) else None
    if not chain:
        return None
    from cryptography import x509

    try:
        leaf = x509.load_der_x509_certificate(ssl.PEM_cert_to_DER_cert(chain[0].public_bytes()))
        return leaf.issuer.rfc4514_string() or None
    except (ValueError, TypeError, AttributeError):
        return None


def observe_refusals(context: ssl.SSLContext) -> None:
    """Make `context` raise `CertificateRefused`, which knows the issuer, instead of the bare error.

    The handshake is the only moment at which the refused certificate can be read without connecting again.
    """
    # truststore wraps a context of the standard library, and it is that one which makes the connections.
    target: ssl.SSLContext = getattr(context, "_ctx", context)
    base = target.sslobject_class
    if getattr(base, "authlens_witness", False):
        return

    class Witness(base):  # type: ignore[valid-type,misc]
        authlens_witness = True

        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except ssl.SSLCertVerificationError as error:
                refused = CertificateRefused(*error.args)
                refused.verify_code = getattr(error, "verify_code", 0)
                refused.verify_message = getattr(error, "verify_message", "")
                refused.issuer = _issuer(self)
                raise refused from error

    target.sslobject_class = Witness


def explain_certificate(error: ssl.SSLCertVerificationError, host: str) -> tuple[str, str]:
    """Return the cause and the fix of a refused certificate.

    Args:
        host: the host that was asked for, safe to show.
    """
    code = getattr(error, "verify_code", 0)
    reason = _REASONS.get(code) or str(getattr(error, "verify_message", "")) or "it is not valid"
    issuer = getattr(error, "issuer", None) or ""
    cause = f"The certificate of {host} was refused: {reason}."
    if issuer:
        cause += f" Issuer: {issuer}."
    lower = issuer.lower()
    if code in _UNTRUSTED and "cloudflare" in lower and "gateway" in lower:
        return cause, f"Cloudflare Gateway inspects this connection: {_INSTALL}."
    if code in _UNTRUSTED:
        return cause, f"If your network inspects TLS or the host has its own authority, {_INSTALL}."
    if code in _CLOCK:
        return cause, "Check this machine's clock; if it is right, the server's certificate must be renewed."
    return cause, f"Check the address; if it is right, the owner of {host} must fix the certificate."
