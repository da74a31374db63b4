"""People -> their names as different kinds of source write them."""

from __future__ import annotations

from collections.abc import Mapping

from mdm.demo.columns import Column, Dice, Mask, choose, column, each, joined
from mdm.demo.people import People
from mdm.demo.spelling import arabic_letters, decomposed, unaccented

Forms = Mapping[str, tuple[str, ...]]

_TITLES = {True: "آقای", False: "خانم"}
_HALF_SPACE = "\u200c"


def formal_name(known: People, keeps_middle: Mask) -> Column:
    """The full name in the order of the country."""
    middle = choose(keeps_middle, known.middle, "")
    if known.country == "VN":
        return joined(known.family, middle, known.given)
    return joined(known.given, middle, known.family, known.suffix)


def ledger_name(known: People, dice: Dice) -> Column:
    """As accountants write it: LAST, FIRST M; Vietnamese in capitals; Persian with a title or the family name first."""
    if known.country == "US":
        initials = each(lambda middle: middle[:1], known.middle)
        return each(str.upper, joined(known.family, known.suffix) + ", " + joined(known.given, initials))
    if known.country == "VN":
        return each(str.upper, joined(known.family, known.middle, known.given))
    titled = joined(choose(known.male, _TITLES[True], _TITLES[False]), known.given, known.family)
    return choose(dice.chance(0.5), joined(known.family, known.given), titled)


def typed_name(known: People, forms: Forms, dice: Dice) -> Column:
    """As people type their own name into a form."""
    if known.country == "US":
        return _typed_american(known, forms, dice)
    if known.country == "VN":
        return _typed_vietnamese(known, dice)
    return _typed_persian(known, forms, dice)


def nicknamed(given: Column, forms: Forms, share: float, dice: Dice) -> Column:
    """About that share of the given names as one of their nicknames."""
    where, draws = dice.chance(share), dice.rng.random(dice.size).tolist()
    nicknames = column(_one_form(forms, name, draw) for name, draw in zip(given, draws, strict=True))
    return choose(where, nicknames, given)


def _one_form(forms: Forms, name: str, draw: float) -> str:
    """One of the other forms of the name; the name itself when it has none."""
    options = forms.get(name, (name,))
    return options[int(draw * len(options))]


def _typed_american(known: People, forms: Forms, dice: Dice) -> Column:
    given = nicknamed(known.given, forms, 0.22, dice)
    given = choose(dice.chance(0.05), each(lambda name: name[:1], given), given)
    written = joined(given, known.family)
    written = choose(dice.chance(0.3), each(str.lower, written), written)
    return choose(dice.chance(0.05), each(str.upper, written), written)


def _typed_vietnamese(known: People, dice: Dice) -> Column:
    short = joined(known.given, known.family)
    written = choose(dice.chance(0.12), short, joined(known.family, known.middle, known.given))
    written = choose(dice.chance(0.05), each(decomposed, written), written)
    written = choose(dice.chance(0.45), each(unaccented, written), written)
    return choose(dice.chance(0.2), each(str.lower, written), written)


def _typed_persian(known: People, forms: Forms, dice: Dice) -> Column:
    persian = joined(known.given, known.family)
    persian = choose(dice.chance(0.4), each(arabic_letters, persian), persian)
    persian = choose(dice.chance(0.1), each(lambda name: name.replace(_HALF_SPACE, " "), persian), persian)
    persian = choose(dice.chance(0.1), each(_without_marks, persian), persian)
    latin = joined(nicknamed(known.given, forms, 1.0, dice), nicknamed(known.family, forms, 1.0, dice))
    latin = choose(dice.chance(0.3), each(str.lower, latin), latin)
    return choose(dice.chance(0.45), latin, persian)


def _without_marks(name: str) -> str:
    return name.replace(_HALF_SPACE, "").replace("آ", "ا")
