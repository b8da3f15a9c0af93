"""How a connection to a backend is secured: which files, and what each protocol makes of them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from processor.core.certificates import first_end_s
from processor.core.errors import ConfigError, Problem


@dataclass(frozen=True)
class ClientTls:
    """The authority to trust and the certificate to present; each the content of a PEM file."""

    ca: bytes | None = None
    """The authority that signed the backend's certificate; None: those gRPC ships with."""
    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)


class TlsFiles(NamedTuple):
    """PEM files; empty where there is none. A certificate has a key."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    def read(self, setting: str) -> ClientTls:
        """Their content, which has to fit together; `setting` is their place.

        Raises ConfigError.
        """
        tls_context(*self, setting=setting)
        contents = [_content(file) if file else None for file in self]
        return ClientTls(*contents)

    def ends_s(self) -> dict[str, float]:
        """When the first certificate of each file ends, in seconds since 1970."""
        files = {"ca": self.ca_file, "certificate": self.cert_file}
        found: dict[str, float] = {}
        for name, file in files.items():
            try:
                end_s = first_end_s(_content(file)) if file else None
            except ConfigError:
                continue
            if end_s is not None:
                found[name] = end_s
        return found


def tls_context(
    ca_file: str,
    cert_file: str,
    key_file: str,
    *,
    verifies: bool = True,
    setting: str = "exporters.otlphttp.tls",
) -> ssl.SSLContext:
    """The authority to trust and the certificate to present, each a PEM file or empty.

    Without a `ca_file` it is the system's authorities. Without `verifies` any certificate of the
    backend will do. Raises ConfigError.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
        if cert_file and key_file:
            context.load_cert_chain(cert_file, key_file)
    except (OSError, ValueError) as error:
        files = ", ".join(filter(None, (ca_file, cert_file, key_file)))
        what = f"{files} cannot be used: {error}"
        fix = "give PEM files, and the key that belongs to the certificate, without a password"
        raise ConfigError([Problem(setting, what, fix)]) from error
    if not verifies:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def read_token(file: str, setting: str) -> str:
    """The header that presents the bearer token in a file. Raises ConfigError."""
    token = _content(file).decode("ascii", "replace").strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        fix = "write the token into it, and nothing else"
        raise ConfigError([Problem(setting, f"{file} holds no bearer token", fix)])
    return f"Bearer {token}"


def _content(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        problem = Problem(file, f"cannot be read: {error.strerror or error}")
        raise ConfigError([problem]) from error
