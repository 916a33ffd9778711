"""Names shared with the dialplan: contexts, channel variables, events and where results are kept.

dialplan/ is rendered with these, so that each name is written once.
"""

CALL_CONTEXT = "ringwell-call"
FAX_CONTEXT = "ringwell-fax"
FORGET_CONTEXT = "ringwell-forget"
PLAY_CONTEXT = "ringwell-play"
DESK_CONTEXT = "ringwell-desk"
TRIAL_PLAYS_CONTEXT = "ringwell-trial-plays"
TRIAL_HEARS_CONTEXT = "ringwell-trial-hears"
STAFF_CONTEXT = "from-staff"
DETECT_CONTEXT = "ringwell-detect"
BEEP_CONTEXT = "ringwell-beep"
HANGUP_CONTEXT = "ringwell-hangup"

INBOUND_CONTEXT = "from-trunk"
# The endpoint of the clinic's own exchange.
STAFF_LINE = "staff-line"

# Faxes that come in: where they are received, what follows, and where they wait to be forgotten.
FAX_IN_CONTEXT = "ringwell-fax-in"
FAX_CAME_CONTEXT = "ringwell-fax-came"
FAX_TAKEN_CONTEXT = "ringwell-fax-taken"

# People who call back: what follows the end of such a call, and where its keys wait to be forgotten.
BACK_ENDED_CONTEXT = "ringwell-back-ended"
BACK_TAKEN_CONTEXT = "ringwell-back-taken"

# Set on each call we originate; two underscores would pass them on, which nothing here needs.
ATTEMPT = "RW_ATTEMPT"
# Lists of sounds come in numbered pieces: AMI drops lines of more than 1,023 bytes.
PERSON_SOUNDS = "RW_PERSON"
MACHINE_SOUNDS = "RW_MACHINE"
OTHER_SOUNDS = "RW_OTHER"
DESK_SOUNDS = "RW_DESK"
CONNECTING_SOUNDS = "RW_CONNECTING"
AWAY_SOUNDS = "RW_AWAY"
# RW_MENU_1 is what the key 1 does, one of gateway.domain.Action.
MENU = "RW_MENU"
PIECES = 16
PIECE_LENGTH = 450
# The arguments of AMD; empty: whoever answers is a person.
DETECT = "RW_DETECT"
# How long a call may take, and the name of the trunk that it leaves by.
CALL_SECONDS = "RW_CALL_SECONDS"
TRUNK = "RW_TRUNK"
# What a machine gets, one of gateway.domain.OnMachine.
ON_MACHINE = "RW_ON_MACHINE"
ANSWER_SECONDS = "RW_ANSWER_SECONDS"
BEEP_SECONDS = "RW_BEEP_SECONDS"
# What follows a talk with somebody who called back: one of the two, or the end.
NEXT = "RW_GOES_ON"
NEXT_MESSAGE, NEXT_DESK = "message", "desk"
# Whose number somebody who calls back calls from, or entered.
BACK_NUMBER = "RW_BACK_NUMBER"
FAX_FILE = "RW_FAX_FILE"
FAX_HEADER = "RW_FAX_HEADER"
FAX_STATION = "RW_FAX_STATION"
FAX_OPTIONS = "RW_FAX_OPTIONS"
FAX_SECONDS = "RW_FAX_SECONDS"
FAX_PAGES = "RW_FAX_PAGES"
FAX_RATE = "RW_FAX_RATE"
FAX_CORRECTION = "RW_FAX_ECM"
# Global, "no" while the disk is too full for faxes that come in; which number was dialled for one.
FAX_ROOM = "RW_FAX_ROOM"
FAX_DIALLED = "RW_FAX_DIALLED"
FORGET = "RW_FORGET"
PLAY_FILE = "RW_PLAY_FILE"
PLAY_ID = "RW_PLAY_ID"
TRIAL = "RW_TRIAL"
TRIAL_FILE = "RW_TRIAL_FILE"

# UserEvents.
KEY_EVENT = "RingwellKey"
RESULT_EVENT = "RingwellResult"
PLAY_EVENT = "RingwellPlayed"
TRIAL_EVENT = "RingwellTrial"
CALLER_EVENT = "RingwellCaller"
FAX_EVENT = "RingwellFax"
BACK_EVENT = "RingwellBack"

# AstDB family that holds the result of each attempt until it is acknowledged.
RESULTS = "ringwell"
# And the one that tells of each fax that came in until it is in the store.
FAXES = "ringwell-faxes"
# And the one of call-backs in which keys were pressed.
BACKS = "ringwell-backs"


def trunk_endpoint(name: str, own: str = "") -> str:
    """What pjsip.conf calls the trunk of this name; `own`: an endpoint that is there for it already."""
    return own or f"trunk-{name}"


def for_dialplan() -> dict[str, str | int]:
    """The names as the templates use them."""
    return {name.lower(): value for name, value in globals().items() if name.isupper()}
