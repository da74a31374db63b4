"""Website cells -> the host that names the owner: https://www.Example.com/contact -> example.com."""

from __future__ import annotations

import re
from collections.abc import Mapping

import idna

from rules.outcome import Context, Outcome
from rules.text import ascii_fold, compare_key, tidy

WEBSITE_INPUTS = ("value",)
WEBSITE_CLEAN = ("value",)
WEBSITE_COMPARE = ("domain",)

_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?[/\\]{1,3}|^(?:https?|hhtps?|htp)[:;]*[/\\]*(?=www\.)")
_HOST = re.compile(r"^(?:[^/?#@\s]*@)?([^/?#:\s\\,;]+)")
_WWW = re.compile(r"^www[0-9]?\.(?=[^.]+\.)")
_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_NOTHING = frozenset(
    {"none", "na", "n a", "no", "nil", "null", "unknown", "http", "https", "http www", "https www", "www"}
)


def standardise_website(raw: Mapping[str, str], context: Context, options: Mapping[str, str]) -> tuple[Outcome, ...]:
    """The host in lower case without scheme, www and path; an unreadable one is invalid and keeps its words.

    Source: RFC 3986 for the parts of a URL, IDNA 2008 for names in other scripts.
    """
    text = tidy(raw.get("value", "")).lower()
    key = compare_key(text)
    if key is None:
        return ()
    if key in _NOTHING:
        return (Outcome({}, {}, ("website.placeholder",)),)
    host = _read_host(text)
    if host is None:
        return (Outcome({}, {"domain": (key.replace(" ", ""),)}, ("website.invalid",)),)
    return (Outcome({"value": host}, {"domain": (host,)}),)


def _read_host(text: str) -> str | None:
    match = _HOST.match(_SCHEME.sub("", text, count=1))
    if match is None:
        return None
    host = _WWW.sub("", match.group(1).strip("."))
    if not host.isascii():
        host = _to_ascii(host)
    return host if _DOMAIN.fullmatch(host) else None


def _to_ascii(host: str) -> str:
    """The A-label form of an international name, or its folded letters where IDNA refuses it."""
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        return ascii_fold(host).lower()
