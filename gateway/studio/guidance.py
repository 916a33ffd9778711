"""What the studio says, by language. A sentence with a gap is filled by the title or wording it is about."""

from __future__ import annotations

from gateway.domain import Speech
from gateway.studio.acts import Line

FALLBACK = "en"

TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "welcome": "Welcome to the recording studio.",
        "enter-number": "Please enter your user number, then press pound.",
        "enter-pin": "Please enter your PIN.",
        "wrong": "That number and PIN do not match.",
        "wrong-too-often": "That number and PIN do not match. Please call again later.",
        "locked": "There were too many wrong tries. Please try again later, or ask your administrator.",
        "asked-for": "You are asked to record the prompt:",
        "offer": "To record it now, press 1. For another prompt, press 2.",
        "which-prompt": "Please enter the number of the prompt, then press pound.",
        "another-prompt": "For another prompt, enter its number, then press pound. Or simply hang up.",
        "no-such-prompt": "There is no prompt with this number.",
        "recording": "You are recording the prompt:",
        "please-say": "Please say:",
        "after-the-tone": "Speak after the tone. Press pound when you have finished.",
        "heard-nothing": "Nothing was heard.",
        "you-recorded": "You recorded:",
        "menu": "To keep it, press 1. To record it again, press 2. To listen to it, press 3. "
        "To cancel, press star.",
        "draft-waiting": "A recording of yours waits for you. The prompt:",
        "draft-waits": "Your recording waits until you call again.",
        "kept": "It is kept, and played from now on.",
        "cancelled": "It is cancelled.",
        "gone": "This recording is not there any more.",
        "finding-clipped": "It sounds distorted. Hold the telephone further away, or speak more softly.",
        "finding-too-quiet": "It is very quiet. Speak up, or hold the telephone closer.",
        "finding-too-short": "It is very short.",
        "finding-mostly-silence": "Most of it is silence.",
        "finding-cut-off": "It ended when the call did.",
        "goodbye": "Goodbye.",
    },
    "es": {
        "welcome": "Bienvenido al estudio de grabación.",
        "enter-number": "Marque su número de usuario y después la tecla numeral.",
        "enter-pin": "Marque su clave.",
        "wrong": "El número y la clave no coinciden.",
        "wrong-too-often": "El número y la clave no coinciden. Vuelva a llamar más tarde.",
        "locked": "Hubo demasiados intentos. Pruebe más tarde o pregunte a su administrador.",
        "asked-for": "Se le pide grabar el mensaje:",
        "offer": "Para grabarlo ahora, marque 1. Para otro mensaje, marque 2.",
        "which-prompt": "Marque el número del mensaje y después la tecla numeral.",
        "another-prompt": "Para otro mensaje, marque su número y la tecla numeral. O simplemente cuelgue.",
        "no-such-prompt": "No hay ningún mensaje con este número.",
        "recording": "Va a grabar el mensaje:",
        "please-say": "Por favor, diga:",
        "after-the-tone": "Hable después del tono. Marque la tecla numeral al terminar.",
        "heard-nothing": "No se oyó nada.",
        "you-recorded": "Usted grabó:",
        "menu": "Para guardarlo, marque 1. Para repetirlo, marque 2. Para escucharlo, marque 3. "
        "Para cancelar, marque asterisco.",
        "draft-waiting": "Una grabación suya le espera. El mensaje:",
        "draft-waits": "Su grabación le espera hasta que vuelva a llamar.",
        "kept": "Está guardado y se usará desde ahora.",
        "cancelled": "Está cancelado.",
        "gone": "Esta grabación ya no existe.",
        "finding-clipped": "Suena distorsionado. Aleje el teléfono o hable más bajo.",
        "finding-too-quiet": "Se oye muy bajo. Hable más alto o acerque el teléfono.",
        "finding-too-short": "Es muy corto.",
        "finding-mostly-silence": "La mayor parte es silencio.",
        "finding-cut-off": "Terminó cuando se cortó la llamada.",
        "goodbye": "Adiós.",
    },
}
# Said as they are, in the language they are about.
OWN_WORDS = frozenset({"title", "wording"})


def spoken(line: Line, language: str) -> Speech:
    """A line as it is voiced for a caller of this language."""
    if line.name in OWN_WORDS:
        return Speech(line.about, line.language or language)
    texts = TEXTS.get(language)
    return Speech(texts[line.name], language) if texts else Speech(TEXTS[FALLBACK][line.name], FALLBACK)


def everything(language: str) -> list[Speech]:
    """All that is fixed, to be voiced before anybody calls."""
    return [Speech(text, language) for text in TEXTS.get(language, {}).values()]
