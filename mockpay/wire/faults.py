"""What a fault makes of a text that was right: one that differs in a single character."""


def change_first(text: str) -> str:
    """With another first character; hexadecimal stays so."""
    return _other(text[0]) + text[1:]


def change_last(text: str) -> str:
    """With another last character."""
    return text[:-1] + _other(text[-1])


def _other(character: str) -> str:
    return "0" if character != "0" else "1"
