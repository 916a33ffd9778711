"""The options of a broadcast, written down once for the commands that order one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from gateway.domain import BroadcastClass, Channel, MessageType

TypeOption = Annotated[MessageType, typer.Option("--type", help="What the messages are about.")]
ChannelOption = Annotated[Channel, typer.Option("--channel", help="Contact method.")]
StartOption = Annotated[
    datetime | None,
    typer.Option("--start-date", formats=["%Y-%m-%d"], help="Date of the appointments (default: tomorrow)."),
]
DaysOption = Annotated[int, typer.Option("--days", min=1, max=366, help="How many days of appointments.")]
AtOption = Annotated[
    datetime | None,
    typer.Option(
        "--at",
        formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        help="Broadcast date and time in the clinic's zone (default: now).",
    ),
]
PreferenceOption = Annotated[
    bool,
    typer.Option(
        "--only-preference/--everybody-by-channel",
        help="Use a recipient's preferred contact method where there is one.",
    ),
]
TemplatesOption = Annotated[
    Path | None, typer.Option("--templates", help="TOML file with the texts (default: the texts that ship).")
]
FaxDocumentOption = Annotated[
    Path | None,
    typer.Option("--fax-document", help="PDF, PNG, JPEG or TIFF that faxes carry instead of a text."),
]
ClassOption = Annotated[
    BroadcastClass | None,
    typer.Option("--class", help="What the consent rules follow (default: the message type's)."),
]
TemplateOption = Annotated[
    str | None, typer.Option("--template", help="A saved template by its name, instead of --templates.")
]
ListOption = Annotated[str | None, typer.Option("--list", help="A custom list by its name.")]
ThenOption = Annotated[
    list[str] | None,
    typer.Option(
        "--then",
        metavar="CHANNEL=WAIT",
        help="What follows without an answer, such as voice=4h (or 30m, 1d); repeatable, in order.",
    ),
]
BeforeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--before",
        metavar="OFFSET",
        help="Each message before its own appointment, renewal or birthday: 7d, 2d@10:00, 3h, 0d@09:00.",
    ),
]
BusinessOption = Annotated[
    bool,
    typer.Option(
        "--business-days", help="What would go on a weekend or holiday goes on the business day before."
    ),
]
BundleOption = Annotated[
    bool,
    typer.Option(
        "--bundle/--one-by-one",
        help="One message for all visits of a day, also of families who agreed; texts name <Appointments>.",
    ),
]
AtOnceOption = Annotated[
    bool, typer.Option("--at-once", help="All steps at the same time: --then voice --at-once.")
]
AttachOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--attach", help="A file that goes with each mail: PDF, PNG, JPEG, GIF or text; repeatable."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """What a broadcast and a rule have in common."""

    channel: ChannelOption
    type: TypeOption = MessageType.UPCOMING_APPOINTMENTS
    only_preference: PreferenceOption = True
    templates: TemplatesOption = None
    template: TemplateOption = None
    list_name: ListOption = None
    broadcast_class: ClassOption = None
    then: ThenOption = None
    at_once: AtOnceOption = False
    bundle: BundleOption = False
    fax_document: FaxDocumentOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedOnce(Ordered):
    """What a broadcast has beside that: it goes once, about these days."""

    start_date: StartOption = None
    days: DaysOption = 1
    at: AtOption = None
    before: BeforeOption = None
    business_days: BusinessOption = False


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose parameter `options` becomes an option for each field of its class.

    Typer reads the signature: it is that of the command with the fields in the place of `options`.
    """
    hints = get_type_hints(command, include_extras=True)
    kind = hints["options"]
    of_kind, names = get_type_hints(kind, include_extras=True), [field.name for field in fields(kind)]

    def called(**given: Any) -> None:
        command(options=kind(**{name: given.pop(name) for name in names}), **given)

    parameters: list[inspect.Parameter] = []
    for one in inspect.signature(command).parameters.values():
        inner = inspect.signature(kind).parameters.values() if one.name == "options" else (one,)
        parameters += [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in inner]
    annotated = [one.replace(annotation=(hints | of_kind)[one.name]) for one in parameters]
    called.__name__, called.__doc__ = command.__name__, command.__doc__
    called.__annotations__ = {one.name: one.annotation for one in annotated}
    vars(called)["__signature__"] = inspect.Signature(annotated)
    return called
