"""A clerk who types, mishears and leaves out: columns in, columns with mistakes out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from mdm.demo.columns import Column, Dice, changed, choose

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "ضصثقفغعهخحجچ", "شسیبلاتنمکگ", "ظطزرذدپو")
_RIGHT = dict(pair for row in _ROWS for pair in pairwise(row))
_LEFT = {right: left for left, right in _RIGHT.items()}

# What sounds alike on the phone; the second is what gets written.
_SOUNDS = {
    "US": (
        *(("ph", "f"), ("ck", "k"), ("ie", "y"), ("ee", "ea"), ("ai", "ay"), ("ei", "ie"), ("oo", "u"), ("ey", "y")),
        *(("tt", "t"), ("ll", "l"), ("ss", "s"), ("nn", "n"), ("rr", "r"), ("mm", "m"), ("c", "k"), ("z", "s")),
        *(("y", "i"), ("son", "sen"), ("er", "ar"), ("th", "t"), ("w", "wh"), ("m", "n"), ("d", "t")),
    ),
    "VN": (
        *(("s", "x"), ("x", "s"), ("ch", "tr"), ("tr", "ch"), ("d", "gi"), ("gi", "d"), ("l", "n"), ("n", "l")),
        *(("ng", "n"), ("y", "i"), ("i", "y"), ("ả", "ã"), ("ã", "ả"), ("ỏ", "õ"), ("ũ", "ủ"), ("t", "c")),
    ),
    "IR": (
        *(("س", "ص"), ("ص", "س"), ("ز", "ض"), ("ض", "ظ"), ("ظ", "ز"), ("ت", "ط"), ("ط", "ت"), ("غ", "ق")),
        *(("ق", "غ"), ("ه", "ح"), ("ح", "ه"), ("ذ", "ز"), ("ث", "س"), ("ع", "ا"), ("ئ", "ی")),
    ),
}


@dataclass(frozen=True, slots=True)
class Clerk:
    """The mistakes of one source in one country."""

    country: str
    dice: Dice

    def slips(self, values: Column, share: float) -> Column:
        """About that share of the values with one typing slip."""
        where = self.dice.chance(share)
        return changed(values, where, self._slip)

    def mishears(self, values: Column, share: float) -> Column:
        """About that share of the values with one sound written another way."""
        return changed(values, self.dice.chance(share), self._mishear)

    def omits(self, values: Column, share: float) -> Column:
        """About that share of the values left empty."""
        return choose(self.dice.chance(share), "", values)

    def plants(self, values: Column, share: float, value: str) -> Column:
        """About that share of the values replaced by the one a clerk types when a form insists."""
        return choose(self.dice.chance(share), value, values)

    def _draw(self, below: int) -> int:
        return int(self.dice.rng.integers(0, below))

    def _slip(self, value: str) -> str:
        """One letter dropped, doubled, swapped with the next or replaced by a neighbour; never the first one."""
        if len(value) < 3:
            return value
        at = 1 + self._draw(len(value) - 1)
        before, sign, after = value[:at], value[at], value[at + 1 :]
        match self._draw(4):
            case 0:
                return before + after
            case 1:
                return before + sign + sign + after
            case 2:
                return before + after[:1] + sign + after[1:]
        return before + self._neighbour(sign) + after

    def _neighbour(self, sign: str) -> str:
        """The key beside it; a sign that is on no row of the keyboards stays."""
        low = sign.lower()
        sides = [side[low] for side in (_LEFT, _RIGHT) if low in side]
        if not sides:
            return sign
        key = sides[self._draw(len(sides))]
        return key.upper() if sign.isupper() else key

    def _mishear(self, value: str) -> str:
        """The first sound, from a random place of the list on, that occurs after the first letter."""
        sounds = _SOUNDS[self.country]
        start = self._draw(len(sounds))
        for heard, written in sounds[start:] + sounds[:start]:
            at = value.find(heard, 1)
            if at > 0:
                return value[:at] + written + value[at + len(heard) :]
        return self._slip(value)
