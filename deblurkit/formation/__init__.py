"""How frames become one blurry image.

`form` is eq. (1), plain and differentiable. `expose` is a camera: shutter, sensor, response and
file, by the settings of a `Camera`; where these are the defaults it is `form`.
"""

from __future__ import annotations

from deblurkit.camera import RESPONSES, Camera, Response
from deblurkit.formation.arrays import ArrayT
from deblurkit.formation.averaging import form
from deblurkit.formation.exposure import expose
from deblurkit.formation.responses import inverse_response, response

__all__ = [
    "RESPONSES",
    "ArrayT",
    "Camera",
    "Response",
    "expose",
    "form",
    "inverse_response",
    "response",
]
