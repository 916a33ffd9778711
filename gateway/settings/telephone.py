"""The exchange, its trunks, and what calls do on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from gateway.settings.values import (
    Host,
    Network,
    Plain,
    Section,
    plain,
)


class AsteriskSettings(Section):
    """The exchange: one that Ringwell runs from the instance folder, or, with a `host`, one that is there.

    Of the latter: `secret` is its AMI user's, `gateway` this machine's address as it reaches it. With a
    `sounds_port` it fetches sounds over HTTP from there; 0: it can read our files. Other ports: 0 takes free
    ones, and of an exchange that is there the usual ones.
    """

    host: Host | Literal[""] = Field(
        "", description="An exchange that is there already. Empty: Ringwell runs its own."
    )
    ami_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="The port where the exchange is managed; 0: a free one, or the usual one.",
    )
    sip_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="The port for telephones and providers; 0: a free one, or the usual one.",
    )
    username: str = Field(
        "ringwell", pattern=r"^[A-Za-z0-9_-]{1,40}$", description="Who we are to the exchange."
    )
    secret: SecretStr = Field(SecretStr(""), description="The password of that user of the exchange.")
    gateway: Host = Field("127.0.0.1", description="This machine's address as the exchange reaches it.")
    sounds_port: int = Field(
        0, ge=0, le=65535, description="The port where the exchange fetches sounds; 0: it can read our files."
    )


class MachineDetection(Section):
    """What Asterisk's AMD goes by: milliseconds, a count of words, and a level of 16-bit sound.

    `ringwell amd calibrate` finds those of your lines. The order is that of the application's arguments.
    """

    initial_silence: int = Field(
        2500,
        ge=500,
        le=10000,
        description="Milliseconds of silence at the start after which it is a machine.",
    )
    greeting: int = Field(
        1000, ge=300, le=10000, description="Milliseconds of a greeting after which it is a machine."
    )
    after_greeting_silence: int = Field(
        600, ge=100, le=5000, description="Milliseconds of silence after a greeting that mean a person."
    )
    total_analysis_time: int = Field(
        5000, ge=1000, le=20000, description="Milliseconds until a decision at the latest."
    )
    min_word_length: int = Field(
        100, ge=20, le=1000, description="Milliseconds of sound that count as a word."
    )
    between_words_silence: int = Field(
        50, ge=10, le=1000, description="Milliseconds of silence that end a word."
    )
    maximum_number_of_words: int = Field(
        4, ge=1, le=20, description="Words in a greeting beyond which it is a machine."
    )
    silence_threshold: int = Field(
        256, ge=1, le=32767, description="The level of sound below which it is silence."
    )
    maximum_word_length: int = Field(
        5000, ge=500, le=20000, description="Milliseconds of one word beyond which it is a machine."
    )

    @property
    def arguments(self) -> str:
        """Those of AMD(): the fields in this order."""
        return ",".join(str(value) for value in self.model_dump().values())


CallerId = Annotated[str, AfterValidator(plain), Field(pattern=r"[0-9]", max_length=80)]


Prefix = Annotated[str, Field(pattern=r"^\+[0-9]{1,14}$")]


class Trunk(Section):
    """A SIP line to a telephone provider.

    The lowest `priority` that takes calls is used; among equals `weight` shares them out. `max_calls`: in
    all, `kept_free` of them for people who call in. `caller_ids`: by the first digits of the called number.
    `sources`: addresses or networks that its calls come from; empty takes the host. `qualify_seconds`: how
    often it is asked for a sign of life; 0: never. `endpoint`: one that an exchange of your own has already.
    """

    host: Host = Field("127.0.0.1", description="The telephone provider's server.")
    port: int = Field(5060, ge=1, le=65535, description="The port of the telephone provider's server.")
    username: Plain = Field(
        "", description="Who we are to the provider. Empty: the provider knows our address."
    )
    password: SecretStr = Field(SecretStr(""), description="The password of the provider's account.")
    endpoint: str = Field(
        "",
        pattern=r"^[A-Za-z0-9_.-]{0,60}$",
        description="One that an exchange of your own has already. Empty: made from host, port and account.",
    )
    priority: int = Field(0, ge=0, description="The lowest that takes calls is used.")
    weight: float = Field(1.0, gt=0, description="The share of the calls among lines of the same priority.")
    caller_id: CallerId = Field(
        "+12025550100", description="The number that calls come from; the clinic owns and answers it."
    )
    caller_ids: dict[Prefix, CallerId] = Field(
        default_factory=dict,
        description="Other numbers that calls come from, by how the called number begins.",
    )
    codecs: list[Literal["ulaw", "alaw"]] = Field(
        ["ulaw", "alaw"],
        min_length=1,
        description="The kinds of sound that the provider takes, the best first.",
    )
    t38: bool = Field(True, description="Whether faxes go by T.38 where the provider has it.")
    sources: list[Network] = Field(
        default_factory=list,
        description="Addresses or networks that the provider's calls come from. Empty: the host.",
    )
    qualify_seconds: int = Field(
        15, ge=0, le=3600, description="Seconds between two questions for a sign of life; 0: never."
    )
    max_calls: int = Field(4, ge=1, description="Calls and faxes at once.")
    kept_free: int = Field(0, ge=0, description="Lines of them that are kept free for people who call in.")
    max_faxes: int = Field(1, ge=1, description="Lines of them that may be faxes.")
    calls_per_second: float = Field(1.0, gt=0, description="Calls set up in a second at most.")
    ring_seconds: int = Field(25, ge=15, le=120, description="Seconds that a call rings; at least 15.")
    detect_machines: bool = Field(
        True, description="Whether calls listen for an answering machine and leave the short message."
    )
    amd: MachineDetection = MachineDetection()
    max_call_seconds: int = Field(180, ge=10, description="Seconds after which a call is ended.")

    @model_validator(mode="after")
    def _calls_somebody(self) -> Trunk:
        if self.kept_free >= self.max_calls:
            raise ValueError("kept_free leaves none of max_calls for calling")
        return self


class VoiceSettings(Section):
    """How calls sound. `prompts`: own recordings, one WAV file each; `models`: downloaded voices.

    `names`: a TOML file of how names are said. `front_desk`: an extension of the clinic's own exchange, or a
    number with a plus, over the trunk; empty: no transfers. `warn_seconds`: the rules' limit of a message.
    `machine_details`: patients agreed that answering machines get more than the clinic's name and number.
    """

    prompts: Path | None = Field(
        None, description="The folder of own recordings as WAV files; none unless set."
    )
    models: Path | None = Field(
        None, description="The folder of voices beside the one that ships; none unless set."
    )
    cache_mb: int = Field(
        2000, ge=10, description="Megabytes of rendered sounds that are kept; the longest unused go first."
    )
    workers: int = Field(1, ge=1, description="Processes that render speech.")
    names: Path | None = Field(None, description="A file that tells how names are said; none unless set.")
    ahead_minutes: int = Field(
        45, ge=0, le=60, description="Minutes before its time that a call is rendered."
    )
    warn_seconds: float = Field(60.0, gt=0, description="A preview warns of calls that take longer.")
    machine_details: bool = Field(
        False, description="Whether patients agreed that machines are told more than name and number."
    )
    front_desk: str = Field(
        "",
        pattern=r"^(\+[0-9]{5,18}|[0-9*#]{1,12})?$",
        description="Where transfers lead: an extension, or a number with a plus. Empty: no transfers.",
    )
    desk_ring_seconds: int = Field(25, ge=5, le=120, description="Seconds that the front desk rings.")
    transfer_seconds: int = Field(
        1800, ge=60, le=14400, description="Seconds that patient and front desk may talk at most."
    )
    answer_seconds: float = Field(
        5.0, ge=1, description="Seconds that a call waits for a key after the message."
    )
    wait_for_beep_seconds: int = Field(
        45,
        ge=1,
        le=120,
        description="Seconds that a machine's greeting may take before the message is spoken.",
    )
    silence_for_beep_seconds: float = Field(
        2.5,
        ge=0.5,
        le=10,
        description="Seconds of silence that mean that the machine records, without a beep.",
    )


class StudioSettings(Section):
    """Where staff record prompts by phone; `port` is for the exchange, on loopback."""

    extension: str = Field(
        "7700",
        pattern=r"^[0-9*#]{1,12}$",
        description="Staff dial this extension of the clinic's own exchange to record prompts.",
    )
    recordings: Path | None = Field(
        None, description="The folder of recordings; in the instance folder unless set."
    )
    port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Where the exchange finds the studio on this machine; 0 takes a free port once.",
    )
    calls: int = Field(30, ge=1, le=200, description="People recording at once.")
    loudness: float = Field(
        -23.0,
        ge=-40,
        le=-10,
        description="Loudness of a kept prompt in LUFS; synthetic speech has about -23.",
    )
    longest_seconds: int = Field(120, ge=5, le=600, description="Seconds of one recording at most.")
    upload_mb: int = Field(20, ge=1, le=200, description="Megabytes of one upload at most.")
    pin_digits: int = Field(6, ge=6, le=12, description="Digits of a PIN.")
    tries_per_call: int = Field(3, ge=1, le=10, description="Wrong PINs that end a call.")
    tries_before_lock: int = Field(
        3, ge=1, le=10, description="Wrong PINs in an hour beyond which a user is locked for a while."
    )
    lock_minutes: int = Field(15, ge=1, description="Minutes that this lock lasts.")
    tries_per_hour: int = Field(5, ge=1, description="Wrong PINs that lock a user until the hour is over.")
    tries_per_day: int = Field(10, ge=1, description="Wrong PINs that lock a user until the day is over.")


class CallbackSettings(Section):
    """What patients hear who call the clinic's number back over a trunk.

    `days`: how old the message may be. `opt_out_number`: dialled, it is a line that only takes opt-outs. The
    front desk is that of [voice]. `port` is for the exchange, on loopback.
    """

    enabled: bool = Field(
        False, description="Whether patients who call back hear the last message that was for them."
    )
    days: int = Field(14, ge=1, le=90, description="Days that this message may be old.")
    opt_out_number: str = Field(
        "",
        pattern=r"^\+?[0-9]{0,18}$",
        description="A number that only takes opt-outs when it is dialled. Empty: none.",
    )
    tries_per_call: int = Field(3, ge=1, le=10, description="Wrong birthdays in one call.")
    tries_per_hour: int = Field(
        6, ge=1, le=100, description="Wrong birthdays for one number in an hour, over all lines."
    )
    tries_per_day: int = Field(
        10, ge=1, le=1000, description="Wrong birthdays for one number in a day, over all lines."
    )
    calls: int = Field(10, ge=1, le=200, description="People calling back at once.")
    port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Where the exchange finds the gateway on this machine; 0 takes a free port once.",
    )


class StaffLine(Section):
    """The clinic's own exchange, whose telephones may dial the studio; an empty host: there is none."""

    host: Host | Literal[""] = Field(
        "", description="The clinic's own exchange. Empty: no telephone reaches the studio."
    )
    port: int = Field(5060, ge=1, le=65535, description="The port of the clinic's own exchange.")
    username: Plain = Field(
        "", description="The user whose password its calls are asked for. Empty: its address is enough."
    )
    password: SecretStr = Field(SecretStr(""), description="The password of that user.")
