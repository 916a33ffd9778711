"""Whether a text asks us to leave somebody alone (rules 1.7). Pure.

Works on plain words: small letters without accents, apostrophes and other punctuation. No pattern may read
the same words in two ways under a repetition: strangers write these texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_STOP_TEXTS = frozenset(
    (
        *("stop", "stopall", "stop all", "quit", "end", "revoke", "optout", "opt out", "unsubscribe"),
        *("baja", "alto", "basta", "parar", "pare", "paren", "no mas"),
    )
)
# Beside other words these are no orders: "at the end", "five feet, alto".
_ALONE = frozenset({"end", "alto", "pare", "parar", "revoke"})
_OPENING = re.compile(r"^((ok|okay|yes|no|hi|hello|hey|just|now|i said|so|ya|hola|si) )+")
# What begins with the word is an order, unless it speaks of a visit, a treatment, a habit.
_FIRST_WORD = re.compile(
    r"(stop(?! (by|in|at|over|off|on|for|my|her|his|our|before|after|when|whenever|if|taking|eating|drinking"
    r"|using|smoking|wearing|giving|bleeding)\b)(?! (the|this|that|these|those|your|with the) \w)"
    r"|stopall|unsubscribe|optout|revoke|baja de)\b"
)
_SHORT = re.compile(r"(stop|quit) (it|this|now|already|immediately|everything|all of (it|this))")
_MESSAGES = (
    r"(texts?|texting|messages?|messaging|msgs?|calls?|calling|emails?|emailing|mails?|reminders?"
    r"|notifications?|alerts?|contacts?|contacting|spam|spamming|bothering|harassing|sending|writing)"
)
_THESE = r"( (with|all|the|this|that|these|those|your|my|any|further|future|automated|annoying))*"
_LIST = (
    r"(off|from)( of)?( (the|your|this|that|all|any|mailing|text|texting|contact|call|calling|message|phone"
    r"|sms|email|reminder))* (lists?|system|database|texts|messages)"
)
_ORDERS = re.compile(
    rf"\b((stop|quit|cease|no more){_THESE} {_MESSAGES}|end (these|all|your|the) {_MESSAGES}"
    r"|opt (me |us )?out|opting out|unsubscribe"
    r"|(make|want) (it|this|these|them|the messages|the texts|the calls) (to )?(stop|end)"
    rf"|(take|get) (me|us|my number|my name|this number) (off$|{_LIST})"
    r"|leave (me|us) alone|lose (my|this) number"
    r"|(remove|delete|erase) (me|us|my (phone |cell )?number|this number|my info)"
    rf"( please| now| asap)*( {_LIST}|$)"
    rf"|cancel( all| the| these| those| my| your)* (subscription|{_MESSAGES}))\b"
)
# A part of the day, a place, a number: somebody has a preference, and a person reads it.
_BY_NO_MEANS_ALWAYS = (
    r"(?! (before|after|at|on|in|during|until|about|unless|antes|despues|por la|en la|a las|hasta|durante))"
)
_NO_LONGER = re.compile(
    r"\b((do not|dont|never|no longer|not) (want|wish|need|like|care)( to)?( (get|receive|have|hear|see|be))?"
    r"( (any|anymore|more|these|those|your|the|such|further))*"
    r" (messages|texts|calls|emails|reminders|notifications|contacted|texted|called|messaged)"
    rf"{_BY_NO_MEANS_ALWAYS}|(do not|dont|never) want to hear from (you|u|this))\b"
)
_ME = r"( to)? (me|us|this number|this phone|my (phone|number|cell))"
# "Do not call me before nine" is no such wish, nor is "you never call me" or "don't call me, text me".
_NOT_ME = re.compile(
    r"(?<!you )(?<!they )(?<!she )(?<!he )(?<!it )"
    r"\b(do not|dont|never|must not)( ever)?"
    r" (text|call|contact|message|msg|write|email|mail|phone|bother|disturb)"
    rf"( or (text|call|contact|message|write|email))?{_ME}"
    r"( (again|anymore|any more|ever|any longer|at all|back|further|please|(at|on) this number))*$"
)
_SEND = re.compile(
    r"(?<!you )(?<!they )\b(do not|dont|never) send( (me|us|this number))?( (any|these|those|your|such))*"
    rf"( more)?( (messages|texts|emails|reminders|anything)|(?<=more)$){_BY_NO_MEANS_ALWAYS}"
)
_RATHER = re.compile(
    r"^(please |just |but )*(text|call|email|write|phone|use)\b|\binstead\b"
    r"|^(mejor |por favor )*(escrib|llam|mand|envi)\w+(me|nos)\b|\bmejor\b|\ben vez\b"
)

_ESCRIBIR = r"(escrib|llam|envi|mand|contact|molest|text|mensaje|comunic|record|avis)\w+"
_ESCRIBAN = (
    r"(escriba|llame|envie|mande|contacte|moleste|textee|mensajee|comunique|recuerde|hable|busque)[ns]?"
)
_MENSAJES = r"(mensajes?|textos?|llamadas|correos|avisos|recordatorios|sms|notificaciones|publicidad)"
_MAS = r"( (mas|nunca|jamas|otra vez|de nuevo|por favor|a este numero|ya))"
_ORDENES = re.compile(
    r"\b((deje|dejen|deja|paren?|para|basta|dejar) (ya )?(de|con) (los |las |sus |tantos )?"
    rf"({_ESCRIBIR}|{_MENSAJES}|recibir {_MENSAJES})|(deje|dejen|deja)(me|nos) en paz"
    r"|(darme|darnos|den?me|dame|dar|den) de baja|(des|de)suscri\w+|alto a (los|las|sus)"
    r"|(borr|elimin|quit|sac|saqu|remuev|remov)(a|e|en|ar)(me|nos)"
    r"( por favor)?( de (la|su|esta|sus|las|estas) (listas?|sistema)| ya|$)"
    r"|(borr|elimin|quit|borrar|eliminar|quitar)(a|e|en)? (mi|este) (numero|nombre|telefono|correo)"
    rf"|(cancelar|cancelen?|detener|detengan?) (los|las|mis|sus|estos|todos los) {_MENSAJES})\b"
)
_NO_MAS = re.compile(
    rf"\b(((no|ya no) (quiero|deseo|queremos|deseamos|necesito)( (recibir|tener))?"
    rf"( (mas|sus|estos|esos|tantos|los))* {_MENSAJES}"
    rf"|no mas {_MENSAJES}|ni un (mensaje|texto) mas"
    rf"|(no|nunca)( mas)?( (me|nos))?( (vuelvan|vuelva|vuelvas) a)? ({_ESCRIBAN}|{_ESCRIBIR})"
    rf"( mas| ningun)? {_MENSAJES}){_BY_NO_MEANS_ALWAYS})\b"
)
_NO_ME = re.compile(
    rf"\b(no|nunca)( mas)?( (me|nos) {_ESCRIBAN}| (me|nos) (vuelvan|vuelva|vuelvas) a {_ESCRIBIR}){_MAS}*$"
    rf"|\bno (vuelvan|vuelva) a {_ESCRIBIR}{_MAS}*$|\bno {_ESCRIBAN}{_MAS}+$"
    rf"|\bno (quiero|deseo|queremos) que (me|nos) {_ESCRIBAN}( ningun)?( {_MENSAJES})?{_MAS}*$"
)
# A negation that these words alone part from the order is about the order: "I do not want to unsubscribe".
_GOVERNED = re.compile(
    r"\b(dont|do not|did not|didnt|does not|not|never|cannot|wont|will not|wouldnt|would not|shouldnt"
    r"|should not)( (want|wanted|wish|need|like|going|plan|planning|trying|intend|mean|meant|ask|asked"
    r"|asking|have|ever|just|please|really|you to|to|sure|if|whether|should|i|say))* $"
)
_GOBERNADO = re.compile(
    r"\b(no|nunca|jamas)( (quiero|quise|deseo|queremos|queria|voy a|vamos a|pienso|que|me|nos|por favor))* $"
)


def opts_out(plain: str, clauses: Sequence[str]) -> bool:
    """Whether the text, or one of its clauses, is such a wish; `plain`: the whole without its punctuation."""
    if plain in _STOP_TEXTS or _FIRST_WORD.match(plain):
        return True
    rather = any(_RATHER.search(clause) for clause in clauses)
    return any(_asks_for_it(clause, rather) for clause in clauses)


def _asks_for_it(clause: str, rather: bool) -> bool:
    bare = _OPENING.sub("", clause)
    if bare in _STOP_TEXTS - _ALONE or _SHORT.fullmatch(bare):
        return True
    if any(wish.search(clause) for wish in (_NO_LONGER, _SEND, _NO_MAS)):
        return True
    if not rather and (_NOT_ME.search(clause) or _NO_ME.search(clause)):
        return True
    return _free(_ORDERS, _GOVERNED, clause) or _free(_ORDENES, _GOBERNADO, clause)


def _free(orders: re.Pattern[str], governed: re.Pattern[str], clause: str) -> bool:
    """Whether an order stands in the clause that no negation turns round."""
    return any(not governed.search(clause[: found.start()]) for found in orders.finditer(clause))
