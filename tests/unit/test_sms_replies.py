"""What a person means by a text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.channels.sms_replies import classify
from gateway.domain import ReplyKind

CASES = {
    ReplyKind.OPT_OUT: (
        *("stop", "STOP", "Stop.", "stopall", "STOP ALL", "quit", "End", "revoke", "opt out", "opt-out"),
        *("Unsubscribe!", "please opt me out", "Please stop", "STOP please", "stop texting me", "stop it"),
        *("I want you to stop calling me", "unsubscribe me from this", "no more texts", "OPTOUT"),
        *("Stop, thank you", "BAJA", "alto", "Basta!", "no más", "Por favor dejen de llamarme"),
        *("quiero darme de baja", "No quiero recibir más mensajes", "no me escriban más", "no más llamadas"),
        *("No me llamen", "deje de enviarme mensajes"),
    ),
    ReplyKind.CONFIRM: (
        *("C", "c ", "YES", "yes!", "Y", "1", "Confirm", "confirmed.", "Yes please", "yes, thank you"),
        *(
            "I confirm my appointment",
            "Yes, I will be there",
            "I'll be there",
            "we are coming",
            "See you then!",
        ),
        *("Sí", "si", "Sí, gracias", "Confirmo", "confirmo mi cita", "Sí, ahí estaré", "nos vemos mañana"),
    ),
    ReplyKind.CANCEL: (
        *(
            "cancel",
            "CANCEL!",
            "cancel everything",
            "Cancelar",
            "por favor anular",
        ),
    ),
    ReplyKind.NOT_COMING: (
        *(
            "C1",
            "c1!",
            "C2",
            "cancel my visit please",
            "Cancel the appointment",
            "I need to cancel my appointment",
        ),
        *("cancelo mi cita", "Por favor cancelen la cita"),
    ),
    ReplyKind.OPT_IN: ("start", "START!", "Unstop", "please start", "alta", "opt-in"),
    ReplyKind.HELP: ("help", "HELP?", "info", "ayuda", "Información"),
    ReplyKind.OTHER: (
        *(
            "",
            "?",
            "Who is this?",
            "I cannot stop by today",
            "the end is near",
            "do not unsubscribe me",
            "no",
        ),
        *("yes but at ten", "nonstop", "I will not be there", "si pero a las diez", "¿quién es?", "bajada"),
        *("no quiero darme de baja", "thanks", "gracias", "see you never"),
    ),
}


@pytest.mark.parametrize(("text", "kind"), [(text, kind) for kind, texts in CASES.items() for text in texts])
def test_a_reply_means_what_a_person_means(text: str, kind: ReplyKind) -> None:
    assert classify(text) is kind


# Sentences that a person reads as such a wish, and those with the same words that are none.
WISHES = (
    "I am not your patient, stop texting me",
    "I am not your patient stop texting me",
    "Not interested, unsubscribe",
    "not interested unsubscribe",
    "I never signed up. Unsubscribe me",
    "do not contact me again",
    "Don't contact me",
    "remove me",
    "Remove me from your list",
    "please remove me from this list",
    "dont text me anymore",
    "don’t text me any more",
    "please stop",
    "Please, stop.",
    "pls stop",
    "STOP STOP",
    "stop sending these",
    "Stop it",
    "stop this",
    "Stop the messages",
    "I said stop",
    "Wrong number, stop",
    "No. Stop.",
    "ok stop",
    "never text me again",
    "do not call or text me",
    "I don't want any more texts",
    "I don't want to receive these messages",
    "i do not wish to be contacted",
    "no longer want messages",
    "Don't send me any more messages",
    "dont send any more",
    "take me off your list",
    "Take my number off the list please",
    "leave me alone",
    "lose my number",
    "delete my number",
    "why don't you stop texting me",
    "can't you stop calling",
    "Make it stop",
    "I want this to stop",
    "cancel all messages",
    "cancel my reminders",
    "quit texting me",
    "no me escriban más",
    "no me escriban",
    "No me manden más mensajes",
    "no me manden mensajes",
    "dejen de mandarme mensajes",
    "dejen de escribirme",
    "bórrenme",
    "bórrenme de la lista",
    "no quiero más mensajes",
    "No quiero mensajes",
    "ya no quiero mensajes",
    "no quiero recibir mensajes",
    "no quiero que me manden mensajes",
    "No me vuelvan a llamar",
    "no me contacten",
    "no me molesten más",
    "No soy su paciente, dejen de llamarme",
    "elimínenme de su lista",
    "quítenme de la lista",
    "quiero dejar de recibir mensajes",
    "basta de mensajes",
    "borren mi número",
    "denme de baja",
    "déjenme en paz",
    "ya basta",
    "paren de mandar mensajes",
    "no envíen más",
    "cancelen los mensajes",
    "desuscribirme",
    "Thanks but please stop texting me",
    "My mother died. Please stop these reminders.",
)
NO_WISHES = (
    "don't stop the treatment",
    "Don't stop",
    "I can't stop by",
    "stop by at 9?",
    "will not cancel",
    "I will not stop texting you",
    "Do not unsubscribe me",
    "I don't want to unsubscribe",
    "I do not want you to stop calling me",
    "Should I stop the medication?",
    "stop taking the pills?",
    "Stop the aspirin before the visit?",
    "When do I stop eating",
    "how do I stop it",
    "the bleeding won't stop",
    "Don't call me before 9",
    "dont call me at work",
    "Don't call me, text me",
    "Please do not call me, text me instead",
    "you never call me",
    "You don't text me anymore",
    "they did not call me",
    "the end is near",
    "at the end of the message it says nine",
    "take me off the schedule",
    "remove me from the waiting list",
    "Is this the bus stop?",
    "baja presión",
    "no me llamaron",
    "no me den de baja",
    "no quiero darme de baja",
    "no dejen de llamarme",
    "no quiero que dejen de escribirme",
    "no me llamen antes de las nueve",
    "no me llamen, escríbanme",
    "no más dolor",
    "I quit smoking",
    "I do not want calls before 9",
    "no quiero llamadas por la mañana",
    "me llamaron y no me dieron cita",
    "quítenme el yeso",
    "I have a question about the text",
    "Not sure if I should unsubscribe",
    "no puedo parar en la clinica",
    "never mind",
    "Do not remind me of it",
    "I stopped by",
    "Nonstop",
)


@pytest.mark.parametrize("text", WISHES)
def test_a_sentence_that_asks_to_be_left_alone_opts_out(text: str) -> None:
    assert classify(text) is ReplyKind.OPT_OUT


@pytest.mark.parametrize("text", NO_WISHES)
def test_a_sentence_about_something_else_opts_nobody_out(text: str) -> None:
    assert classify(text) is ReplyKind.OTHER


# The words of the law and of the networks (47 CFR 64.1200 a10, CTIA), and the usual Spanish ones: not the
# product's own list.
OPT_OUT_WORDS = (
    *("stop", "stopall", "stop all", "quit", "end", "revoke", "opt out", "opt-out", "unsubscribe"),
    *("baja", "alto", "basta", "no más", "no mas"),
)


def _shouted(word: str, upper: list[bool]) -> str:
    return "".join(mark.upper() if up else mark for mark, up in zip(word, upper, strict=True))


@settings(max_examples=10_000, deadline=None)
@given(
    st.sampled_from(OPT_OUT_WORDS).flatmap(
        lambda word: st.builds(
            _shouted, st.just(word), st.lists(st.booleans(), min_size=len(word), max_size=len(word))
        )
    ),
    st.text(" \t\n.!?,;:'\"()*", max_size=6),
    st.text(" \t\n.!?,;:'\"()*", max_size=6),
    st.sampled_from(["", " please", " Thank you", " gracias", " por favor"]),
)
def test_an_opt_out_word_is_heard_however_it_is_typed(
    word: str, before: str, after: str, polite: str
) -> None:
    assert classify(f"{before}{word}{after}{polite}") is ReplyKind.OPT_OUT


@settings(max_examples=10_000, deadline=None)
@given(st.text(max_size=200))
def test_any_text_means_something_and_the_same_with_blanks_around_it(text: str) -> None:
    assert classify(text) is classify(f"  {text}\n")


_SAID_BEFORE = st.sampled_from(
    (
        "I am not your patient",
        "never signed up",
        "Not interested",
        "This is not Ana",
        "no soy Ana",
        "Don't know you",
    )
)
_WISHES = st.sampled_from(
    ("stop texting me", "unsubscribe me", "remove me", "dejen de escribirme", "bórrenme")
)


@settings(max_examples=10_000, deadline=None)
@given(
    _SAID_BEFORE, st.sampled_from((", ", ". ", "! ", "; ", " - ", "\n", " and ", " y ")), _WISHES, st.data()
)
def test_a_negation_in_another_clause_takes_no_wish_back(
    before: str, between: str, wish: str, data: st.DataObject
) -> None:
    whole = f"{before}{between}{wish}"
    upper = data.draw(st.lists(st.booleans(), min_size=len(whole), max_size=len(whole)))
    assert classify(_shouted(whole, upper)) is ReplyKind.OPT_OUT


@settings(max_examples=10_000, deadline=None)
@given(
    st.sampled_from(("don't", "do not", "I do not want to", "I will not", "never", "please don't")),
    st.sampled_from(("stop texting me", "unsubscribe me", "opt me out", "stop the treatment", "stop by")),
    st.text(" \t.!", max_size=4),
)
def test_a_negation_that_governs_the_word_takes_it_back(negation: str, wish: str, after: str) -> None:
    assert classify(f"{negation} {wish}{after}") is ReplyKind.OTHER
