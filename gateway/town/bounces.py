"""A mail that comes back later: the notice (RFC 3464) and its way to the clinic.

What is owed to a clinic waits while nobody listens there, as in the queue of any mail server.
"""

from __future__ import annotations

import asyncio
import logging
from email.message import EmailMessage, Message
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime

import aiosmtplib

from gateway.town.ledger import Entry

log = logging.getLogger(__name__)

HOST = "mail.town.example"
_AGAIN_SECONDS = 0.5
_PATIENCE_SECONDS = 10.0


def notice(entry: Entry, head: bytes, reply: str) -> bytes:
    """The report that the mail of `entry` failed with this SMTP reply; `head`: its header as it came."""
    report = MIMEMultipart("report", report_type="delivery-status")
    report["From"] = f"Mail Delivery System <MAILER-DAEMON@{HOST}>"
    report["To"] = entry.caller
    report["Subject"] = "Undelivered Mail Returned to Sender"
    report["Date"] = format_datetime(entry.at)
    report["Auto-Submitted"] = "auto-replied"
    report.attach(MIMEText(f"Your mail could not be delivered to <{entry.address}>: {reply}\n"))
    report.attach(_status(entry.address, reply))
    original = EmailMessage()
    original.set_content(head.decode("utf-8", "replace"))
    original.replace_header("Content-Type", "text/rfc822-headers")
    report.attach(original)
    return report.as_bytes()


def _status(address: str, reply: str) -> MIMEMessage:
    """The part that programs read: a block about the mail, and one about its recipient."""
    of_mail, of_recipient = Message(), Message()
    of_mail["Reporting-MTA"] = f"dns; {HOST}"
    of_recipient["Final-Recipient"] = f"rfc822; {address}"
    of_recipient["Action"] = "failed"
    of_recipient["Status"] = reply.split()[1]
    of_recipient["Diagnostic-Code"] = f"smtp; {reply}"
    part = MIMEMessage(of_mail, "delivery-status")
    part.set_payload([of_mail, of_recipient])
    return part


async def give_back(port: int, sender: str, octets: bytes) -> None:
    """Hand a notice to the clinic's desk on loopback, again and again until it is taken."""
    while True:
        client = aiosmtplib.SMTP(
            hostname="127.0.0.1", port=port, start_tls=False, timeout=_PATIENCE_SECONDS, local_hostname=HOST
        )
        try:
            async with client:
                await client.sendmail("", [sender], octets)
        except (aiosmtplib.SMTPException, OSError) as error:
            log.debug("a notice is given back later (%s)", type(error).__name__)
            await asyncio.sleep(_AGAIN_SECONDS)
        else:
            return
