"""Modules in the files where PyTorch has them: ``from torch.nn.modules.loss import CrossEntropyLoss``."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["offer"]

_PYTORCHS_FILES = {
    "activation": "LogSoftmax MultiheadAttention Softmax Softmax2d Softmin",
    "batchnorm": "LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d",
    "container": "ParameterDict ParameterList",
    "conv": """
        LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d""",
    "instancenorm": "LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d",
    "linear": "LazyLinear",
    "loss": """
        CTCLoss CosineEmbeddingLoss CrossEntropyLoss GaussianNLLLoss HingeEmbeddingLoss
        LinearCrossEntropyLoss MarginRankingLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss
        MultiMarginLoss NLLLoss NLLLoss2d PoissonNLLLoss SoftMarginLoss TripletMarginLoss
        TripletMarginWithDistanceLoss""",
    "pooling": """
        AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d
        AdaptiveMaxPool3d FractionalMaxPool2d FractionalMaxPool3d LPPool1d LPPool2d LPPool3d
        MaxUnpool1d MaxUnpool2d MaxUnpool3d""",
    "rnn": "GRUCell LSTMCell RNNCell",
    "transformer": """
        TransformerDecoderLayer TransformerEncoderLayer""",
}  # fmt: skip

_PRIVATE = {  # names in PyTorch that programs import all the same, and the ones here
    "dropout._DropoutNd": "dropout._Dropout",
    "linear.NonDynamicallyQuantizableLinear": "attention.NonDynamicallyQuantizableLinear",
    "loss._Loss": "loss.Loss",
    "loss._WeightedLoss": "loss.WeightedLoss",
    "pooling._MaxPoolNd": "pooling._MaxPool",
    "transformer._get_activation_fn": "transformer_layers._activation",
    "transformer._get_clones": "transformer._copies",
}


def offer(package: str, modules: dict[str, Any]) -> None:
    """Name each of ``modules`` in the file of ``package`` that has it in PyTorch."""
    for file, names in _PYTORCHS_FILES.items():
        for name in names.split():
            setattr(sys.modules[f"{package}.{file}"], name, modules[name])
    for theirs, ours in _PRIVATE.items():
        (file, name), (own_file, own_name) = theirs.split("."), ours.split(".")
        value = getattr(sys.modules[f"{package}.{own_file}"], own_name)
        setattr(sys.modules[f"{package}.{file}"], name, value)
