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

# The endpoint of pjsip.conf that all calls leave by.
TRUNK = "trunk"
# The endpoint of the clinic's own exchange.
STAFF_LINE = "staff-line"

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
# What a machine gets, one of gateway.domain.OnMachine.
ON_MACHINE = "RW_ON_MACHINE"
ANSWER_SECONDS = "RW_ANSWER_SECONDS"
BEEP_SECONDS = "RW_BEEP_SECONDS"
FAX_FILE = "RW_FAX_FILE"
FAX_HEADER = "RW_FAX_HEADER"
FAX_STATION = "RW_FAX_STATION"
FAX_OPTIONS = "RW_FAX_OPTIONS"
FAX_SECONDS = "RW_FAX_SECONDS"
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

# AstDB family that holds the result of each attempt until it is acknowledged.
RESULTS = "ringwell"


def for_dialplan() -> dict[str, str | int]:
    """The names as the templates use them."""
    return {name.lower(): value for name, value in globals().items() if name.isupper()}
