"""Words of a closed list: which of them was meant, and the refusal of what is none of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from mockpay.kernel.errors import Invalid

#: A longer list is told as `allowed` only, not in the sentence.
_MOST_IN_SENTENCE = 25
_LIKE_A_NUMBER = re.compile(r"(?:[0-9][ -]?){9,}")
#: No word of ours is longer; comparing takes time by the square of it.
_LONGEST = 64


def quotable(text: object) -> str:
    """What was sent as a message may repeat it: not all of a long text, nor what may be a card's number."""
    return _LIKE_A_NUMBER.sub("...", str(text))[:_LONGEST]


def same_word(word: str, words: Iterable[str]) -> str | None:
    """The word of a list that `word` is but for capitals; None where it is none or two of them."""
    right = set(map(str, words))
    if word in right:
        return word
    folded = [each for each in right if each.casefold() == word.casefold()]
    return folded[0] if len(folded) == 1 else None


def nearest_word(word: str, words: Iterable[str]) -> str | None:
    """The word of a list that is spelt most alike, capitals aside; None where none is near."""
    right = {str(each).casefold(): str(each) for each in words}
    matches = get_close_matches(word[:_LONGEST].casefold(), right, 1, 0.5)
    return right[matches[0]] if matches else None


def unknown_word(sentence: str, word: str, words: Iterable[str], *, code: str, **detail: object) -> Invalid:
    """
    The refusal of a word: what is wrong with it, the nearest right one, and all of them as `allowed`.

    Args:
        sentence: What is wrong, e.g. ``There is no stage 'isuer'.``
        detail: Further members of the problem, such as `field`.
    """
    allowed = sorted(set(map(str, words)))
    nearest = nearest_word(word, allowed)
    message = sentence if nearest is None else f"{sentence} Did you mean '{nearest}'?"
    if 0 < len(allowed) <= _MOST_IN_SENTENCE:
        message += f" It is one of {', '.join(allowed)}."
    error = Invalid(message, code=code)
    error.detail = {**detail, "allowed": allowed, **({"nearest": nearest} if nearest else {})}
    return error


def parse_word(noun: str, word: str, words: Iterable[str], *, code: str, **detail: object) -> str:
    """
    The word of a list that was meant, whatever its capitals.

    Raises:
        Invalid: of this code, as `unknown_word` makes it.
    """
    allowed = list(map(str, words))
    match = same_word(word, allowed)
    if match is None:
        raise unknown_word(f"There is no {noun} '{quotable(word)}'.", word, allowed, code=code, **detail)
    return match
