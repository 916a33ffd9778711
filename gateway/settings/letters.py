"""Lines for texts and mail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from gateway.settings.values import Host, MailAddress, Plain, Section, Zone

IdForm = Literal["text", "hex"]
Concatenation = Literal["udh", "sar", "payload"]
ShortName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,40}$")]
ErrorCode = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,16}$")]


class Bind(Section):
    """An SMPP connection to an SMSC.

    The lowest `priority` that takes texts is used; among equals `weight` shares them out. `account`: binds of
    one account share receipts. `tls_name`: whom the certificate names, where it is not the host.
    `response_ids`, `receipt_ids`: how it writes message ids in responses and in receipts; decimal is text.
    `number_errors`: errors of receipts by which it says that a number does not exist, besides 1 and 11.
    """

    host: Host = Field("127.0.0.1", description="The text provider's server.")
    port: int = Field(2775, ge=1, le=65535, description="The port of the text provider's server.")
    system_id: Plain = Field("ringwell", description="Who we are to the provider.")
    password: SecretStr = Field(SecretStr(""), description="The password of the provider's account.")
    source: Plain = Field("+12025550100", description="The number or name that texts come from.")
    mode: Literal["transceiver", "pair"] = Field(
        "transceiver",
        description="One connection for both ways, or a pair: one that sends and one that receives.",
    )
    priority: int = Field(0, ge=0, description="The lowest that takes texts is used.")
    weight: float = Field(
        1.0, gt=0, description="The share of the texts among connections of the same priority."
    )
    account: ShortName = Field(
        "",
        description="Connections of one account share receipts; needed where host, port or user differ.",
    )
    campaign: ShortName = Field("", description="The campaign whose limits hold. Empty: none.")
    tls: bool = Field(False, description="Whether the connection is encrypted.")
    tls_ca: Path | None = Field(
        None,
        description="Who may have signed the provider's certificate; whom this machine trusts unless set.",
    )
    tls_verify: bool = Field(True, description="Whether the certificate is checked; off only for a test.")
    tls_name: Host | Literal[""] = Field(
        "", description="Whom the certificate names, where that is not the host."
    )
    window: int = Field(10, ge=1, le=1000, description="Texts under way before the provider has answered.")
    per_second: float = Field(10.0, gt=0, description="Texts a second at most.")
    enquire_link_seconds: float = Field(
        30.0, gt=0, description="Seconds of silence after which the provider is asked for a sign of life."
    )
    response_seconds: float = Field(
        60.0,
        gt=0,
        description="Seconds until the fate of a text without an answer is unknown; it is not sent again.",
    )
    concatenation: Concatenation = Field(
        "udh", description="How the parts of a long text are put together, as the provider says."
    )
    gsm7_default: bool = Field(True, description="Whether the provider's usual alphabet is GSM.")
    response_ids: IdForm = Field("text", description="How message ids are written in the provider's answers.")
    receipt_ids: IdForm = Field("text", description="How message ids are written in the provider's receipts.")
    number_errors: tuple[ErrorCode, ...] = Field(
        (), description="Errors in receipts that mean that a number does not exist, besides 1 and 11."
    )


class Campaign(Section):
    """What carriers let a registered campaign send, counted in segments; 0: no limit.

    `per_day` is the brand's: campaigns that name the same brand share it. Its day ends at midnight of `zone`;
    empty takes the clinic's.
    """

    per_minute: int = Field(0, ge=0, description="Segments a minute at most; 0: no limit.")
    per_day: int = Field(0, ge=0, description="Segments of the whole brand in a day at most; 0: no limit.")
    brand: ShortName = Field("", description="Campaigns that name the same brand share its day.")
    zone: Zone | Literal[""] = Field(
        "", description="Where the brand's day ends at midnight. Empty: the clinic's zone."
    )


class TextSettings(Section):
    """How texts are written and answered.

    `replace_look_alikes`: curly quotes and the like as plain characters. `answers`: replies that are plain
    (C, STOP, START, HELP) are answered at once. `reply_days`: how long after a message a reply may be about
    it; until its appointment begins in any case.
    """

    replace_look_alikes: bool = Field(
        False, description="Whether curly quotes and the like are sent as plain characters."
    )
    answers: bool = Field(
        True, description="Whether plain replies (C, STOP, START, HELP) are answered at once."
    )
    reply_days: int = Field(
        7, ge=1, le=365, description="Days after a message in which a reply may be about it."
    )


class Relay(Section):
    """An SMTP relay that takes our mail.

    The lowest `priority` that is up is used; among equals `weight` shares the mail out. `token_file`: an
    OAuth access token (XOAUTH2), read at each login, so that whatever renews it need not know us.
    `policy_refusals`: recipients of so many domains refused in a row (5.7.x), and the relay pauses.
    """

    host: Host = Field("127.0.0.1", description="The mail server that takes our mail.")
    port: int = Field(587, ge=1, le=65535, description="The port of the mail server.")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection is encrypted; none only on the same machine."
    )
    username: Plain = Field("", description="Who we are to the mail server.")
    password: SecretStr = Field(SecretStr(""), description="The password of the mail server's account.")
    token_file: Plain = Field(
        "", description="A file with an OAuth access token instead of a password, read anew at each login."
    )
    sender: Plain = Field("reminders@clinic.example", description="The address that mails come from.")
    priority: int = Field(0, ge=0, description="The lowest that is up is used.")
    weight: float = Field(1.0, gt=0, description="The share of the mail among servers of the same priority.")
    connections: int = Field(4, ge=1, le=100, description="Connections at once.")
    per_destination: int = Field(20, ge=1, description="Mails at once to one destination.")
    messages_per_connection: int = Field(100, ge=1, description="Mails over one connection at most.")
    seconds_per_connection: float = Field(
        300.0, gt=0, description="Seconds that one connection is used at most."
    )
    policy_refusals: int = Field(
        5,
        ge=1,
        description="Recipients of so many domains refused in a row, and the server is given a pause.",
    )


class MailSettings(Section):
    """What every mail keeps to: `attachments_mb` is the most that its files have together."""

    attachments_mb: int = Field(
        10, ge=1, le=50, description="Megabytes that the files of a mail may have together."
    )


class NotifySettings(Section):
    """Staff who are told by email that a patient answered, and nothing of who or what."""

    confirmed: tuple[MailAddress, ...] = Field(
        (), description="Who is told by email that a patient confirmed an appointment."
    )
    cancelled: tuple[MailAddress, ...] = Field(
        (), description="Who is told by email that a patient cancelled an appointment."
    )
    unclear: tuple[MailAddress, ...] = Field(
        (), description="Who is told by email that a reply waits for somebody to read it."
    )


class DkimKey(Section):
    """A key that signs mail; its name is the selector. `domain` empty: that of the relay's sender."""

    file: Path = Field(description="The private key that signs mail.")
    domain: Plain = Field("", description="The domain that it signs for. Empty: that of the sender.")


class ReturnSettings(Section):
    """Where bounces, complaints and replies to mail come back: a domain whose mail is routed to this port.

    Port 0: no listener. `secret` seals the addresses; empty takes one of the instance's own, which several
    gateways on one database must not do.
    """

    domain: Plain = Field(
        "", description="The domain where bounces, complaints and replies to mail come back."
    )
    host: Host = Field("127.0.0.1", description="The address of this machine that listens for them.")
    port: int = Field(0, ge=0, le=65535, description="The port that listens for them; 0: nobody listens.")
    protocol: Literal["smtp", "lmtp"] = Field("smtp", description="How your mail server delivers them.")
    secret: SecretStr = Field(
        SecretStr(""), description="Seals the addresses; several gateways on one database need the same one."
    )
