"""The rehearsal town: the world outside a clinic, played on loopback by real servers.

Demo, tests and a clinic's own rehearsal send to it instead of to people. It has a telephone exchange (an
Asterisk of its own) with households, answering machines and fax machines, an SMSC, and a mail server; it
keeps a ledger of what really arrived, from its own side alone. The product never imports it; it imports
nothing of the product but what runs an Asterisk.

    python -m gateway.town --folder DIR [--seed N] [--pace X] [--keep]

runs it as a process of its own until SIGTERM. `DIR/town.json` appears when it is ready and says where: the
ports `sip` and `phones` (UDP), `smpp`, `smtp`, `control`, and the process ids. A trunk of the clinic points
at the SIP port without registration, a bind at the SMPP port with any password, a relay at the SMTP port
without TLS.
`DIR/ledger.jsonl` is the ledger (`gateway.town.ledger.read_ledger`); `DIR/voicemail` and `DIR/faxes` keep
what machines took, `DIR/calls` the recordings of calls with `--keep`.

Who does what is chosen by address (`gateway/town/households.py` is the table). A number is `+1 AAA 555 VSNN`:

    V  a call                                            S  a text
    0  answers "Hello?", hears, presses 1                0  accepted, receipt DELIVRD
    1  answers and listens to the end                    1  accepted, no receipt ever
    2  answers, hangs up after 2 s                       2  rejected at submit (0x0B)
    3  busy (486)                                        3  accepted, receipt UNDELIV
    4  rings until the caller gives up                   4  delivered, then answers "C"
    5  declines (603)                                    5  delivered, then answers "STOP"
    6  unallocated (404)                                 6-9  as 0
    7  voicemail: greeting, beep, keeps the message
    8  fax machine: T.38, keeps the TIFF                 mailbox reject…@  550 5.1.1 at RCPT
    9  answers, hears, presses 9                         mailbox full…@    452 4.2.2 at RCPT

In area code 955 people press one key after the other, V as in MENU_TELEPHONES: cancel, repeat, transfer …
Extensions 200 to 299 are telephones inside the clinic (25X a front desk, 26X one that does not answer):
they are called at the port `phones` of town.json, and
`gateway.town.phones` dials from there (`Town.phones()`), with steps to hear, press and say.

Area code 900 answers at once, says nothing and leaves after a second, for the bench. Other numbers are
unallocated. NN and the seed choose how patient a household is (0.9 to 1.1 of each delay).

Delays at pace 1: people pick up after 1 s, voicemail after 1.5 s, a busy line says so after 0.2 s, a decline
takes 1 s. A key is pressed 2 s after the caller is first heard to speak (8 s at most of silence before). A
receipt comes 0.3 s after the submit, an answer 0.5 s after its receipt. The pace scales all of these but
the words spoken: the greeting (4 s), "Hello?" (0.6 s) and the beep (1 kHz, 0.5 s) stay as they are.

`gateway.town.control.command(port, "pause smsc")` takes `exchange`, `smsc` or `mail` away, cutting what is
connected; `resume …` brings it back on its port. Receipts and answers that a clinic was not there to take
wait for its next bind.
"""
