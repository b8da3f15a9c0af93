"""How a connection to a backend is secured: certificates and the token, each from files."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from processor.core.certificates import ends_by_file_s
from processor.core.errors import ConfigError, Problem


@dataclass(frozen=True)
class ClientTls:
    """The authority to trust and the certificate to present; each the content of a PEM file."""

    ca: bytes | None = None
    """The authority that signed the backend's certificate; None: those gRPC ships with."""
    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    context: ssl.SSLContext | None = None
    """The same for Python's library, with the system's authorities where there is no `ca`."""

    @cached_property
    def ends_s(self) -> dict[str, float]:
        """When the first certificate of each file ends, in seconds since 1970."""
        return ends_by_file_s({"ca": self.ca, "certificate": self.certificate})


def load_client_tls(
    ca_file: str, cert_file: str, key_file: str, setting: str, *, verifies: bool = True
) -> ClientTls:
    """Read PEM files, which have to fit together; each may be empty, for none.

    Without `verifies` any certificate of the backend will do, over HTTP. Raises ConfigError that
    names the setting.
    """
    files = (ca_file, cert_file, key_file)
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
        if cert_file and key_file:
            # Without a password the library would ask for one on the terminal.
            context.load_cert_chain(cert_file, key_file, password="")
        ca, certificate, key = (Path(file).read_bytes() if file else None for file in files)
    except (OSError, ValueError) as error:
        what = f"{', '.join(filter(None, files))} cannot be used: {error}"
        fix = "give PEM files, and the key that belongs to the certificate, without a password"
        raise ConfigError([Problem(setting, what, fix)]) from error
    if not verifies:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return ClientTls(ca, certificate, key, context)


def bearer_header(text: str, source: str) -> str:
    """The header that presents the token that a file holds; `source` is its path.

    Raises ConfigError.
    """
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        fix = "write the token into it, and nothing else"
        raise ConfigError([Problem(source, "holds no bearer token", fix)])
    return f"Bearer {token}"
