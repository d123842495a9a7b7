"""Protocols by name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from deblurkit.errors import DeblurkitError, nearest

if TYPE_CHECKING:  # reading a recipe asks for the names alone, without numpy
    from deblurkit.evaluation.named_scores import NamedScore
    from deblurkit.evaluation.protocol import ScoringProtocol
    from deblurkit.formation import Response

DEFAULT = "deblurkit"

PROTOCOLS: Mapping[str, str] = {
    DEFAULT: "deblurkit:Deblurkit",
    "jin2018-middle": "middle_frame:MiddleFrame",
    "hypercut-ppsnr": "hypercut:HyperCut",
    "blur2vid-gopro7": "blur2vid:GoPro7",
    "blur2vid-baist": "blur2vid:Baist",
    "animation-from-blur": "animation_from_blur:AnimationFromBlur",
}
"""Name -> module of this package and class, imported when asked for."""


def get_protocol(
    name: str = DEFAULT,
    *,
    metrics: tuple[NamedScore, ...] = (),
    response: Response = "identity",
    gamma: float = 2.2,
) -> ScoringProtocol:
    """A protocol by its name, `deblurkit`, or with its version, `deblurkit/1`.

    Args:
        name: One of `PROTOCOLS`; with a version behind a slash, that version or an error.
        metrics: Further frame scores, for `deblurkit`; other protocols are fixed and take none.
        response: The camera response of re-blurring, for `deblurkit`.
        gamma: Its exponent, for `deblurkit`.

    Raises:
        DeblurkitError: the name is unknown, or the version is another than the one here.
    """
    bare, slash, version = name.partition("/")
    if bare not in PROTOCOLS:
        raise DeblurkitError(f"there is no protocol '{bare}'", valid=nearest(bare, PROTOCOLS))
    module, _, kind = PROTOCOLS[bare].partition(":")
    given: dict[str, Any] = {}
    if bare == DEFAULT:
        given = {"metrics": metrics, "response": response, "gamma": gamma}
    build = getattr(import_module(f"deblurkit.evaluation.protocols.{module}"), kind)
    protocol: ScoringProtocol = build(**given)
    if slash and version != str(protocol.version):
        raise DeblurkitError(
            f"protocol '{bare}' is here in version {protocol.version}, not '{version}'",
            valid=f"{bare}/{protocol.version}",
            hint="numbers under different versions cannot be put side by side: score again, or "
            "install the deblurkit that has the other version",
        )
    return protocol
