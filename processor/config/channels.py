"""The settings of the channels that notifications are sent by."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar, get_args

from pydantic import Discriminator, Field, PlainValidator, Tag, model_validator

from processor.config.values import Duration, Section, address, duration, one_or_more
from processor.core.errors import ConfigError, Problem
from processor.core.files.checks import InvalidValueError, SecretText, choice, optional, shown, text
from processor.core.files.location import KIND
from processor.core.files.similar import nearest
from processor.core.files.validation import OptionalText, Whole, keys_of
from processor.core.otlp.addresses import is_loopback, parse_url

T = TypeVar("T")

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how a secret of Standard Webhooks begins
_SECRET_BYTES: Final = (24, 64)
"""As Standard Webhooks has it."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_ADDRESS: Final = re.compile(
    r"[^\s\x00-\x20\x7f<>@,;:\"\\()\[\]]{1,64}@[^\s\x00-\x20\x7f<>@,;:]{1,190}"
)
_ADDRESSES_MAX: Final = 50
_CHANNELS_MAX: Final = 50
_FILE_BYTES_MAX: Final = 8192
_PORTS: Final[Mapping[str, int]] = {"starttls": 587, "tls": 465, "none": 25}
_INTERVAL_MAX_S: Final = 3600.0


def webhook_secret(value: object) -> str:
    """The secret of a webhook; no message shows it."""
    found = text(SecretText(value)) if isinstance(value, str) else text(value)
    secret_key(found)
    return found


def secret_key(secret: str) -> bytes:
    """The key that a secret holds. Raises InvalidValueError, which does not show it."""
    fix = (
        f"write {SECRET_PREFIX} and 24 to 64 random bytes in base64: "
        f"printf {SECRET_PREFIX}; openssl rand -base64 32"
    )
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(SECRET_PREFIX) or not _SECRET_BYTES[0] <= len(key) <= _SECRET_BYTES[1]:
        raise InvalidValueError("is no secret of Standard Webhooks", fix)
    return key


def http_url(value: object) -> str:
    """An address over HTTP; it may hold a secret, so no message shows it."""
    hidden = SecretText(value) if isinstance(value, str) else value
    found = address(lambda url: parse_url(url, ""))(hidden)
    if not found.startswith(("http://", "https://")):
        raise InvalidValueError("must begin with https:// or http://")
    return found


def mail_address(value: object) -> str:
    """One address of e-mail, without a name."""
    found = text(value)
    if not _ADDRESS.fullmatch(found):
        raise InvalidValueError(f"has {shown(value)}, which is no address", "write ada@example.com")
    return found


def mail_addresses(value: object) -> tuple[str, ...]:
    """One or more addresses of e-mail."""
    listed = one_or_more(value, _ADDRESSES_MAX, "addresses")
    return tuple(dict.fromkeys(map(mail_address, listed)))


Url = Annotated[str, PlainValidator(optional(http_url))]
Interval = Annotated[float, PlainValidator(duration(0.0, _INTERVAL_MAX_S))]


class ChannelSettings(Section):
    """What every channel has."""

    budgets: Annotated[
        Literal["all", "named"], PlainValidator(choice(("all", "named"), "choice"))
    ] = Field(
        default="all",
        description="all: it is notified of every budget that says nothing else; named: only of "
        "budgets that name it, or its type, under `notify`.",
    )
    timeout_s: Duration = Field(
        default=10.0, alias="timeout", description="How long one attempt may take."
    )
    ca_file: OptionalText = Field(
        default="", description="PEM file of the authorities to trust instead of the system's."
    )


class Webhook(ChannelSettings):
    """JSON to a program of yours, signed as Standard Webhooks have it, one request a crossing."""

    type: Literal["webhook"] = Field(description="webhook")
    url: Url = Field(default="", description="Where it is posted to.", repr=False)
    url_file: OptionalText = Field(default="", description="File with that instead.")
    secret: Annotated[str, PlainValidator(optional(webhook_secret))] = Field(
        default="",
        description="What requests are signed with: whsec_ and 24 to 64 bytes in base64, such as "
        "${env:WEBHOOK_SECRET}. Empty: they are not signed.",
        repr=False,
    )
    secret_file: OptionalText = Field(default="", description="File with that instead.")

    @model_validator(mode="after")
    def _is_whole(self) -> Webhook:
        _one_of(self, "url")
        _one_of(self, "secret", is_needed=False)
        return self


class Slack(ChannelSettings):
    """A message by an incoming webhook of Slack, or of Mattermost or Discord (with /slack)."""

    type: Literal["slack"] = Field(description="slack")
    url: Url = Field(
        default="", description="The webhook's address, such as ${env:SLACK_URL}.", repr=False
    )
    url_file: OptionalText = Field(default="", description="File with that instead.")
    interval_s: Interval = Field(
        default=5.0,
        alias="interval",
        description="Least time between two messages; what comes meanwhile is in the next one.",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Slack:
        _one_of(self, "url")
        return self


class Email(ChannelSettings):
    """E-mail by an SMTP server."""

    type: Literal["email"] = Field(description="email")
    host: OptionalText = Field(default="localhost", description="The SMTP server.")
    port: Whole = Field(
        default=0, ge=0, le=65535, description="Its port. 0: 587, 465 or 25, by `security`."
    )
    security: Annotated[
        Literal["starttls", "tls", "none"],
        PlainValidator(choice(tuple(_PORTS), "security")),
    ] = Field(
        default="starttls",
        description="starttls, tls from the start, or none, for a server on this machine.",
    )
    username: OptionalText = Field(default="", description="Empty: without a login.")
    password: OptionalText = Field(
        default="", description="Such as ${env:SMTP_PASSWORD}.", repr=False
    )
    password_file: OptionalText = Field(default="", description="File with that instead.")
    sender: Annotated[str, PlainValidator(optional(mail_address))] = Field(
        default="", alias="from", description="The address that it is from."
    )
    to: Annotated[tuple[str, ...], PlainValidator(mail_addresses)] = Field(
        default=(), description="The addresses that it goes to."
    )
    interval_s: Interval = Field(
        default=60.0,
        alias="interval",
        description="Least time between two messages; what comes meanwhile is in the next one.",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Email:
        for name, addresses in (("from", self.sender), ("to", self.to)):
            if not addresses:
                raise InvalidValueError(f"has no {name}", f"write {name}: ada@example.com")
        _one_of(self, "password", is_needed=bool(self.username))
        if (self.password or self.password_file) and not self.username:
            raise InvalidValueError("has a password and no username", "set username")
        if self.username and self.security == "none" and not is_loopback(self.host):
            what = "would send the password without encryption"
            raise InvalidValueError(what, "set security to starttls or tls", at=("security",))
        return self

    @property
    def used_port(self) -> int:
        """The port that is used."""
        return self.port or _PORTS[self.security]


class Apprise(ChannelSettings):
    """Any service that Apprise knows, by its address there; needs the extra `apprise`."""

    type: Literal["apprise"] = Field(description="apprise")
    url: Annotated[str, PlainValidator(optional(text))] = Field(
        default="", description="Such as ${env:TELEGRAM_URL}; one for each channel.", repr=False
    )
    url_file: OptionalText = Field(default="", description="File with that instead.")
    interval_s: Interval = Field(
        default=5.0,
        alias="interval",
        description="Least time between two messages; what comes meanwhile is in the next one.",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Apprise:
        _one_of(self, "url")
        return self


AnyChannel = Webhook | Slack | Email | Apprise
KINDS: Final[Mapping[str, type[ChannelSettings]]] = {
    kind.__name__.lower(): kind for kind in get_args(AnyChannel)
}


def _one_of(channel: ChannelSettings, name: str, *, is_needed: bool = True) -> None:
    """Raise InvalidValueError unless a secret is given once, as itself or as a file."""
    given = [key for key in (name, f"{name}_file") if getattr(channel, key)]
    if len(given) > 1:
        raise InvalidValueError(f"has {name} and {name}_file", "leave one of them out")
    if is_needed and not given:
        raise InvalidValueError(f"has no {name}", f"set {name} or {name}_file")


def _kind(value: object) -> str:
    return f"{KIND}{value.get('type')}" if isinstance(value, dict) else f"{KIND}webhook"


def checked_channels(value: object) -> object:
    """A map of channels with names and types that can be used."""
    if not isinstance(value, dict):
        fix = "write {ops: {type: slack, url: ${env:SLACK_URL}}}"
        raise InvalidValueError(f"must be a map of names to channels, got {shown(value)}", fix)
    if len(value) > _CHANNELS_MAX:
        raise InvalidValueError(f"must be at most {_CHANNELS_MAX}, has {len(value)}")
    for name, channel in value.items():
        if not _NAME.fullmatch(str(name)):
            what = f"has {shown(name)}, which cannot be the name of a channel"
            raise InvalidValueError(what, "use lower-case letters, digits, - and _")
        kind = channel.get("type") if isinstance(channel, dict) else None
        if kind is None:
            fix = f"write {name}: {{type: slack, url: …}}; types: {', '.join(KINDS)}"
            raise InvalidValueError("has no type", fix, at=(name,))
        try:
            channel["type"] = choice(tuple(KINDS), "type of channel")(kind)
        except InvalidValueError as error:
            raise InvalidValueError(error.what, error.fix, at=(name, "type")) from None
        known = tuple(keys_of(KINDS[channel["type"]]))
        for key in channel:
            if key not in known:  # Pydantic would name the keys of another type.
                near = nearest(str(key), known)
                fix = f"did you mean {near}?" if near else f"known keys: {', '.join(known)}"
                raise InvalidValueError("unknown key", fix, at=(name, key))
    return value


OneChannel = Annotated[
    Annotated[Webhook, Tag(f"{KIND}webhook")]
    | Annotated[Slack, Tag(f"{KIND}slack")]
    | Annotated[Email, Tag(f"{KIND}email")]
    | Annotated[Apprise, Tag(f"{KIND}apprise")],
    Discriminator(_kind),
]


def read_secret(setting: str, given: str, file: str, check: Callable[[str], T]) -> T:
    """A secret that is given, or in a file. Raises ConfigError, which does not show it."""
    where = f"{setting}_file" if file else setting
    try:
        found = given
        if file:
            with Path(file).open("rb") as opened:
                found = opened.read(_FILE_BYTES_MAX).decode("utf-8-sig").strip()
        return check(found)
    except OSError as error:
        what = f"{file} cannot be read: {error.strerror or error}"
        raise ConfigError([Problem(where, what)]) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem(where, f"{file} is not UTF-8 text")]) from None
    except InvalidValueError as error:
        raise ConfigError([Problem(where, error.what, error.fix)]) from None
