"""E-mail cells -> addresses in normal form, with a match key that knows what providers ignore.

Plain ASCII addresses are read by one expression (2 us); email-validator (30 us, never asking DNS) reads the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from email_validator import EmailNotValidError, validate_email

from rules.outcome import Context, Outcome
from rules.text import ascii_digits, ascii_fold, compare_key, read_sections, tidy

EMAIL_INPUTS = ("value",)
EMAIL_CLEAN = ("value",)
EMAIL_COMPARE = ("address", "local", "domain")

_WORDS = read_sections("email_words.txt")
PLANTED = frozenset(_WORDS["planted"])
ROLES = frozenset(_WORDS["role"])
PLUS_TAGS = frozenset(_WORDS["plus_tags"])
DISPOSABLE = frozenset(_WORDS["disposable"])
RESERVED = frozenset(_WORDS["reserved"])
SAME_PROVIDER = {words[0]: words[1] for words in (line.split() for line in _WORDS["same_provider"])}

SLIPS = {words[0]: words[1] for words in (line.split() for line in _WORDS["slips"])}
# Top-level domains that nobody has: com with two keys in the wrong order, or the wrong one beside it.
_NO_COM = re.compile(r"\.(?:con|cmo|ocm|vom|xom|cim|c0m|comm)$")
_AT = re.compile(r"\s*[(\[{]\s*(?:at|@)\s*[)\]}]\s*|\s+at\s+(?=\S+\s*(?:\.|\s(?:dot|chấm)\s))|@{2,}", re.IGNORECASE)
_DOT = re.compile(r"\s*[(\[{]\s*(?:dot|\.)\s*[)\]}]\s*|\s+(?:dot|chấm)\s+|\.{2,}", re.IGNORECASE)
_COMMA = re.compile(r"(?<=@)([a-z0-9-]+),([a-z]{2,4})$")
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN = re.compile(rf"([a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*)@((?:{_LABEL}\.)+[a-z][a-z0-9-]*[a-z0-9])")
_IN_BRACKETS = re.compile(r"<([^<>@\s]+@[^<>@\s]+)>")
_SEPARATOR = re.compile(r"[;,|/\s]+")
_AROUND = " \t'\"<>()[].,;:"
_NOT_KEY = re.compile(r"[^!-~]+")
_PUNCTUATION = re.compile(r"[^a-z0-9]+")


def standardise_email(raw: Mapping[str, str], context: Context, options: Mapping[str, str]) -> tuple[Outcome, ...]:
    """One outcome per address in the cell; text that is no address keeps a compare value and is called invalid.

    Source: RFC 5321 and 6531 as email-validator reads them; providers' own help pages on dots and +tags.
    """
    text = raw.get("value", "").strip()
    match = _PLAIN.fullmatch(text.lower())
    if match is not None:
        return (_outcome(match.group(1), match.group(2), ()),)
    text = ascii_digits(tidy(text))
    if not text:
        return ()
    outcomes = {outcome.clean.get("value"): outcome for outcome in map(_standardise_address, _split_cell(text))}
    return tuple(outcomes.values())


def _split_cell(text: str) -> list[str]:
    """The addresses of a cell; `Name <address>` gives the address."""
    bracketed: list[str] = _IN_BRACKETS.findall(text)
    if bracketed:
        return bracketed
    pieces = [piece.strip(_AROUND) for piece in _SEPARATOR.split(text)]
    addresses = [piece for piece in pieces if piece.count("@") == 1 and not piece.startswith("@")]
    return addresses if len(addresses) > 1 else [text]


def _standardise_address(text: str) -> Outcome:
    written = text.lower().removeprefix("mailto:").strip(_AROUND).replace(" @", "@").replace("@ ", "@")
    match = _PLAIN.fullmatch(written)
    if match is not None:
        return _outcome(match.group(1), match.group(2), ())
    repaired = _COMMA.sub(r"\1.\2", _DOT.sub(".", _AT.sub("@", written)))
    match = None if repaired == written else _PLAIN.fullmatch(repaired)
    if match is not None:
        return _outcome(match.group(1), match.group(2), ("email.corrected",))
    try:
        read = validate_email(written, check_deliverability=False, allow_smtputf8=True)
    except EmailNotValidError:
        return _invalid(written)
    return _outcome(read.local_part.lower(), read.ascii_domain or read.domain, (), shown=read.normalized.lower())


def _outcome(local: str, domain: str, issues: tuple[str, ...], shown: str | None = None) -> Outcome:
    """The outcome of a readable address; `shown` when it differs from its ASCII writing."""
    value = shown or f"{local}@{domain}"
    if _is_planted(local, domain):
        return Outcome({"value": value}, {}, ("email.placeholder",))
    found = [*issues]
    if _provider(domain) != domain and domain not in SAME_PROVIDER:
        found.append("email.domain_slip")
    if domain in DISPOSABLE:
        found.append("email.disposable")
    if domain in RESERVED:
        found.append("email.reserved")
    if local in ROLES:
        found.append("email.role")
    return Outcome({"value": value}, _compare(local, domain), tuple(sorted(found)))


def _compare(local: str, domain: str) -> dict[str, tuple[str, ...]]:
    """The parts that exist in ASCII; the address only when both sides do."""
    domain = SAME_PROVIDER.get(domain) or _provider(domain)
    key = _local_key(_NOT_KEY.sub("", local if local.isascii() else ascii_fold(local).lower()), domain)
    parts = {"address": f"{key}@{domain}" if key and domain else "", "local": key, "domain": domain}
    return {part: (value,) for part, value in parts.items() if value}


def _provider(domain: str) -> str:
    """The domain that was meant where this one is a slip: gmial.com, yahoo.con."""
    domain = _NO_COM.sub(".com", domain)
    return SLIPS.get(domain, domain)


def _local_key(local: str, domain: str) -> str:
    """The local part without what its provider ignores: +tags, and dots at Gmail."""
    if domain in PLUS_TAGS:
        local = local.partition("+")[0] or local
    return local.replace(".", "") or local if domain == "gmail.com" else local


def _is_planted(local: str, domain: str) -> bool:
    """Whether the address only fills a mandatory field: none@..., a@a.a, abc@abc.com."""
    word = _PUNCTUATION.sub("", local)
    return word in PLANTED or (len(local) <= 3 and local == domain.partition(".")[0])


def _invalid(written: str) -> Outcome:
    """No address, but evidence still: what two sources mistype alike."""
    if (compare_key(written) or "").replace(" ", "") in PLANTED or not any(c.isalnum() for c in written):
        return Outcome({}, {}, ("email.placeholder",))
    local, at, domain = written.rpartition("@")
    folded = _NOT_KEY.sub("", ascii_fold(domain).lower())
    if at and local.strip("@ ") and folded:
        return Outcome({}, _compare(local, folded), ("email.invalid",))
    lone = _NOT_KEY.sub("", ascii_fold(written).lower()).strip("@")
    return Outcome({}, {"address": (lone,)} if lone else {}, ("email.invalid",))
