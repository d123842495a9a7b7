"""Random numbers that are pure functions of what they are for.

Sample k of a stream must not depend on which process draws it or on what was drawn before,
so every draw starts its own generator from a key such as (seed, "train", k).
"""

from __future__ import annotations

import hashlib

import numpy as np


def seed_of(*key: int | str) -> int:
    """A 63-bit seed from a key; equal keys give equal seeds on every machine and version."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in key)
    said = text.encode("utf-8", "surrogateescape")  # names of files may be no valid text
    return int.from_bytes(hashlib.sha256(said).digest()[:8], "big") >> 1


def generator(*key: int | str) -> np.random.Generator:
    """A counter-based generator for a key."""
    return np.random.Generator(np.random.Philox(key=seed_of(*key)))
