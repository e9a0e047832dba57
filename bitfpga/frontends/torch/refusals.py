"""What to do instead of an operation that has no place in an integer network."""

from __future__ import annotations

_ON_HOST = "remove it: the largest logit stays the largest, so apply it on the host"
_TWO = (
    "products of two activations are not in the hardware; move it to the host, "
    "or replace it by an addition, a concat or a layer with constant weights"
)
_RECURRENT = "recurrent layers are not supported; use Conv1d or Linear layers over a fixed window"
_NORM = "it needs statistics of each sample; train with BatchNorm, which folds into constants"
_UPSAMPLE = "use nearest upsampling by a whole factor followed by a convolution"
_TRANSPOSED = "use nearest upsampling (nn.Upsample) followed by a Conv layer, or do it on the host"
_LOOKUP = "do the lookup on the host and feed the network its result"
_IN_PLACE = "write the out-of-place form (y = f(x)) and keep forward free of side effects"
_INDEX = "gather with constant slices (x[:, a:b]) or do it on the host"

_REMEDIES = {
    "softmax": _ON_HOST,
    "log_softmax": _ON_HOST,
    "_softmax": _ON_HOST,
    "argmax": _ON_HOST,
    "argmin": _ON_HOST,
    "topk": _ON_HOST,
    "sort": _ON_HOST,
    "softmin": _ON_HOST,
    "two activations": _TWO,
    "bmm": _TWO,
    "einsum": _TWO + "; write einsum with constant weights as nn.Linear",
    "scaled_dot_product_attention": _TWO,
    "_native_multi_head_attention": _TWO,
    "bilinear": _TWO,
    "dot": _TWO,
    "lstm": _RECURRENT,
    "gru": _RECURRENT,
    "rnn_tanh": _RECURRENT,
    "rnn_relu": _RECURRENT,
    "lstm_cell": _RECURRENT,
    "gru_cell": _RECURRENT,
    "layer_norm": _NORM,
    "group_norm": _NORM,
    "instance_norm": _NORM,
    "rms_norm": _NORM,
    "linalg_vector_norm": _NORM,
    "norm": _NORM,
    "var": _NORM,
    "std": _NORM,
    "conv_transpose1d": _TRANSPOSED,
    "conv_transpose2d": _TRANSPOSED,
    "conv_transpose3d": _TRANSPOSED,
    "conv3d": "only 1-d and 2-d convolutions are supported; fold one axis into the channels",
    "max_pool3d": "only 1-d and 2-d pooling is supported",
    "avg_pool3d": "only 1-d and 2-d pooling is supported",
    "upsample_bilinear2d": _UPSAMPLE,
    "upsample_linear1d": _UPSAMPLE,
    "upsample_bicubic2d": _UPSAMPLE,
    "embedding": _LOOKUP,
    "index": _INDEX,
    "index_select": _INDEX,
    "gather": _INDEX,
    "in place": _IN_PLACE,
    "copy_": _IN_PLACE,
    "fill_": _IN_PLACE,
    "constant": "it must depend on the network's input (zeros beside a tensor: use F.pad)",
    "expand": "write the broadcast as an addition or multiplication by a constant",
    "wrap_with_set_grad_enabled": "remove torch.no_grad() from forward and use it around the call",
    "wrap_with_autocast": "remove torch.autocast from forward",
    "cumsum": "use a convolution with constant ones, or do it on the host",
}


def remedy(operation: str) -> str:
    """Return the advice for an operation's name, without ``aten::`` and overload."""
    general = "replace it by supported layers or do it on the host (docs/torch.md lists them)"
    return _REMEDIES.get(operation, general)
