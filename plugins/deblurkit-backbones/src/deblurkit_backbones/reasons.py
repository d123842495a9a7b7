"""What foreign libraries say went wrong, in a line."""

from __future__ import annotations

_MOST = 300  # letters


def reason(error: Exception) -> str:
    """The first thing that an error says, with what its first line announces by a colon.

    Advice to switch off the safe loading of weights is left out: it is not to be had here.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    text = lines[0]
    if "weights_only" in text or "WeightsUnpickler" in text:
        return "it holds more than tensors, and nothing else is loaded"
    if text.endswith(":"):
        text = " ".join(lines[:3])
    if len(text) < 40 and " " in text and isinstance(error, (IndexError, KeyError, EOFError)):
        text = f"it is no file of weights ({type(error).__name__}: {text})"
    return text if len(text) <= _MOST else text[: _MOST - 3] + "..."
