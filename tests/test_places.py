"""Names that ported programs look up in PyTorch's places are there; for either library."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

PLACES = {
    "nn.modules.utils": "_single _pair _triple _quadruple _ntuple consume_prefix_in_state_dict_if_present",
    "nn.modules.loss": "_Loss _WeightedLoss CrossEntropyLoss MSELoss NLLLoss TripletMarginLoss CTCLoss",
    "nn.modules.activation": "MultiheadAttention ReLU Softmax",
    "nn.modules.batchnorm": "_BatchNorm BatchNorm2d LazyBatchNorm2d",
    "nn.modules.channelshuffle": "ChannelShuffle",
    "nn.modules.conv": "_ConvNd Conv2d LazyConv2d",
    "nn.modules.container": "ModuleList ParameterList Sequential",
    "nn.modules.dropout": "_DropoutNd Dropout",
    "nn.modules.instancenorm": "_InstanceNorm InstanceNorm2d LazyInstanceNorm2d",
    "nn.modules.linear": "Linear LazyLinear NonDynamicallyQuantizableLinear",
    "nn.modules.module": "Module",
    "nn.modules.pooling": "_MaxPoolNd AdaptiveAvgPool2d MaxPool2d MaxUnpool2d LPPool2d",
    "nn.modules.rnn": "RNNBase LSTM LSTMCell GRUCell",
    "nn.modules.transformer": "_get_clones _get_activation_fn TransformerEncoderLayer",
    "nn.attention": "SDPBackend sdpa_kernel",
    "nn.parallel": "DataParallel data_parallel",
    "nn.parameter": "Parameter",
    "optim.optimizer": "Optimizer required",
    "optim.lr_scheduler": "_LRScheduler LambdaLR",
    "utils.checkpoint": "checkpoint checkpoint_sequential",
    "utils.data.distributed": "DistributedSampler",
    "utils.data.sampler": "Sampler SubsetRandomSampler",
    "utils.data.dataloader": "DataLoader default_collate",
    "utils.hooks": "RemovableHandle",
    "types": "Device Number FileLike _size",
    "random": "manual_seed initial_seed seed get_rng_state set_rng_state fork_rng",
    "cuda.amp": "autocast GradScaler",
    "testing": "assert_close",
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_names_in_their_places(lib: Any, place: str) -> None:
    in_tensor_room = place == "random"
    module = lib.random if in_tensor_room else importlib.import_module(f"{lib.__name__}.{place}")
    assert not [name for name in PLACES[place].split() if not hasattr(module, name)]


def test_a_model_in_other_files_is_the_same(lib: Any) -> None:
    from_file = importlib.import_module(f"{lib.__name__}.nn.modules.loss").CrossEntropyLoss
    assert from_file is lib.nn.CrossEntropyLoss


def test_questions_about_devices(lib: Any) -> None:
    for place in (lib.cuda, lib.xpu, lib.mps, lib.accelerator):
        assert not place.is_available()
        assert place.device_count() == 0
    assert lib.accelerator.current_accelerator() is None
    assert lib.version.cuda is None
    assert lib.version.__version__ == lib.__version__
    assert lib.backends.cudnn.version() is None
    assert not lib.backends.cuda.is_built()
    assert isinstance(lib.backends.cuda.matmul.allow_tf32, bool)
    for name in ("mkl", "mkldnn", "openmp"):
        assert getattr(lib.backends, name).is_available() in (True, False)
    assert lib.cuda.memory_allocated() == lib.cuda.max_memory_allocated() == 0
    assert not lib.cuda.is_bf16_supported()
    for name in ("current_device", "get_device_name", "get_device_properties", "synchronize"):
        with pytest.raises(AssertionError):
            getattr(lib.cuda, name)()
    with pytest.raises(RuntimeError, match="MPS"):
        lib.mps.empty_cache()
    for place in (lib.cuda, lib.xpu, lib.mps):
        place.manual_seed(1)


def test_helpers_of_modules(lib: Any) -> None:
    utils = importlib.import_module(f"{lib.__name__}.nn.modules.utils")
    assert utils._pair(3) == (3, 3)
    assert utils._triple([1, 2, 3]) == (1, 2, 3)
    assert utils._ntuple(4)("a") == ("a",) or utils._ntuple(4)(0.5) == (0.5,) * 4
    assert utils._pair.__name__ == "_pair"
    assert list(utils._reverse_repeat_tuple((1, 2), 2)) == [2, 2, 1, 1]
    assert utils._list_with_default([None, 3], [5, 6, 7]) == [6, 3]
    with pytest.raises(ValueError, match="at least 3"):
        utils._list_with_default([None, 3], [6, 7])
    state = lib.nn.DataParallel(lib.nn.Linear(2, 1)).state_dict()
    utils.consume_prefix_in_state_dict_if_present(state, "module.")
    assert list(state) == ["weight", "bias"]
    assert list(state._metadata) == [""]
    lib.nn.Linear(2, 1).load_state_dict(state)


def test_kernels_of_attention(lib: Any) -> None:
    attention = importlib.import_module(f"{lib.__name__}.nn.attention")
    q = lib.ones(1, 2, 4)
    for chosen in (attention.SDPBackend.MATH, [attention.SDPBackend.MATH]):
        with attention.sdpa_kernel(chosen):
            assert lib.nn.functional.scaled_dot_product_attention(q, q, q).shape == (1, 2, 4)
    with pytest.raises(AssertionError, match="must be an instance"), attention.sdpa_kernel("MATH"):
        pass
