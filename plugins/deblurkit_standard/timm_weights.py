"""Weights for timm's models: pretrained ones from the Hugging Face hub, or a local file.

Never a silent fallback: weights that cannot be had or do not fit are an error that names the
three choices (pretrained, a file, random).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import huggingface_hub
import timm
from huggingface_hub.utils import get_session  # type: ignore[attr-defined]
from timm.models import adapt_input_conv, load_state_dict
from torch import Tensor, nn

from deblurkit.errors import UnavailableError, WeightsError

CHOICES = (
    "'pretrained' (with a network, or after an earlier download), the path of a "
    ".safetensors or .pth file, or 'random'"
)
HEADS = ("fc.", "head.", "classifier.", "pre_logits.", "norm.")
"""Entries of whole classifiers that come after the features used here."""
FILES = ("model.safetensors", "pytorch_model.bin")
PATIENCE = 5.0
"""Seconds to wait for the hub's first answer. Its own client retries for most of a minute."""


def load_weights(module: nn.Module, weights: str, model: str, where: str) -> None:
    """Fill a module that holds the features of one of timm's models.

    Args:
        module: Its state dict names entries as timm's model does. A first convolution that
            sees more than three channels gets the weights repeated, as timm does it.
        weights: `pretrained`, or the path of a .safetensors or .pth file with the entries of
            the model; those of its classifier are left out.
        model: timm's name of the model.
        where: The place for messages.

    Raises:
        UnavailableError: pretrained weights do not exist or cannot be fetched.
        WeightsError: the file is missing, damaged, or its entries do not fit; names them.
    """
    path = pretrained_file(model, where) if weights == "pretrained" else Path(weights).expanduser()
    if not path.is_file():
        raise WeightsError(f"there is no weights file '{weights}'", where=where, valid=CHOICES)
    try:
        state = load_state_dict(str(path))
    except Exception as error:  # whatever a damaged or foreign file makes the readers raise
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise WeightsError(
            f"the weights file '{path}' cannot be read: {first}",
            where=where,
            valid="a .safetensors file, or a .pth file that holds nothing but tensors",
            hint="download or export it again",
        ) from error
    _fit(module, state, model, f"{where}, {path}")


def pretrained_file(model: str, where: str) -> Path:
    """The file with the pretrained weights of timm's model, fetched unless it is here already.

    Raises:
        UnavailableError: timm has none for it, or the hub cannot be reached within seconds.
    """
    config = timm.get_pretrained_cfg(model)
    repository = config.hf_hub_id if config is not None else None
    if not repository:
        raise UnavailableError(
            f"timm has no pretrained weights for '{model}'", where=where, valid=CHOICES
        )
    for name in FILES:
        try:
            return _hub_file(repository, name, local=True)
        except OSError:
            continue
    try:
        # One quick question first, through the hub's client so that proxies are respected.
        get_session().head(huggingface_hub.constants.ENDPOINT, timeout=PATIENCE)
        return _hub_file(repository, FILES[0], local=False)
    except Exception as error:  # network libraries share no base class
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UnavailableError(
            f"the pretrained weights of '{model}' ({repository} on the Hugging Face hub) "
            f"cannot be reached: {first}",
            where=where,
            valid=CHOICES,
            hint="connect once to fetch them, or name a file with 'weights: PATH', "
            "or say 'weights: random'",
        ) from error


def _hub_file(repository: str, name: str, *, local: bool) -> Path:
    return Path(huggingface_hub.hf_hub_download(repository, name, local_files_only=local))


def _fit(module: nn.Module, state: Mapping[str, Tensor], model: str, where: str) -> None:
    own = module.state_dict()
    state = {k: v for k, v in state.items() if k in own or not k.startswith(HEADS)}
    config = timm.get_pretrained_cfg(model)
    first_convs = config.first_conv if config is not None else None
    for name in [first_convs] if isinstance(first_convs, str) else first_convs or ():
        key = f"{name}.weight"
        if key in own and key in state and own[key].shape[1] != state[key].shape[1] == 3:
            state[key] = adapt_input_conv(own[key].shape[1], state[key])
    counters = {k for k in own if k.endswith("num_batches_tracked")}
    missing = sorted(own.keys() - state.keys() - counters)
    extra = sorted(state.keys() - own.keys())
    shapes = [
        f"{k} is {tuple(state[k].shape)}, not {tuple(own[k].shape)}"
        for k in sorted(own.keys() & state.keys())
        if state[k].shape != own[k].shape
    ]
    wrong = [
        f"{label}: {_few(names)}"
        for label, names in (("missing", missing), ("extra", extra), ("wrong shape", shapes))
        if names
    ]
    if wrong:
        raise WeightsError(
            f"the weights do not fit '{model}': " + "; ".join(wrong),
            where=where,
            valid=f"the entries of timm's '{model}', with or without its classifier",
            hint="choose the file that belongs to this model",
        )
    module.load_state_dict({**{k: own[k] for k in counters}, **state})


def _few(names: list[str], most: int = 5) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
