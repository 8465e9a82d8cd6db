"""Everything public is tested, everything promised is there, and ``__all__`` tells the truth."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import penlight
from penlight import nn
from penlight.testing.specs import MODULES, SPECS

HERE = Path(__file__).parent
OPTIONAL = {
    "typer",
    "rich",
    "matplotlib",
    "PIL",
    "torch",
    "numba",
}  # what some files need beyond NumPy


def all_files() -> list[str]:
    names = [
        m.name for m in pkgutil.walk_packages(penlight.__path__, "penlight.", lambda name: None)
    ]
    return ["penlight", *(name for name in names if not name.endswith("__main__"))]


@pytest.mark.parametrize("name", all_files())
def test_all_names_exist_once(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        if error.name and error.name.partition(".")[0] in OPTIONAL:
            pytest.skip(f"needs {error.name}")
        raise
    listed = getattr(module, "__all__", [])
    assert len(set(listed)) == len(listed), sorted(n for n in listed if listed.count(n) > 1)
    assert not [n for n in listed if not hasattr(module, n)]


def star(name: str) -> dict[str, Any]:
    """What ``from name import *`` defines."""
    names: dict[str, Any] = {}
    exec(f"from {name} import *", names)
    del names["__builtins__"]
    return names


def is_ours(value: Any) -> bool:
    """Made in Penlight, or a number or ``None`` (``pi``, ``newaxis``)."""
    if isinstance(value, ModuleType):
        return value.__name__.startswith("penlight")
    if value is None or isinstance(value, (int, float)):
        return True
    if (getattr(value, "__module__", None) or "").startswith("penlight"):
        return True
    return type(value).__module__.startswith("penlight")


@pytest.mark.parametrize(
    "name",
    ["penlight", "penlight.nn", "penlight.nn.functional", "penlight.nn.init", "penlight.nn.utils",
     "penlight.optim", "penlight.autograd", "penlight.utils.data", "penlight.testing",
     "penlight.distributions"],
)  # fmt: skip
def test_star_imports_give_nothing_foreign(name: str) -> None:
    assert not [n for n, value in star(name).items() if not is_ours(value) or n == "annotations"]


def test_the_namespace_of_nn_holds_classes_and_four_submodules() -> None:
    others = {n for n, value in star("penlight.nn").items() if not isinstance(value, type)}
    assert others == {"functional", "init", "modules", "utils"}
    assert all(inspect.isroutine(f) for f in star("penlight.nn.functional").values())


# -- what must be there --------------------------------------------------------------------------

PROMISED = {
    "penlight.nn": """
        Module Parameter Buffer Sequential ModuleList ModuleDict ParameterList ParameterDict
        Linear Bilinear Identity Flatten Unflatten Embedding
        BatchNorm1d BatchNorm2d BatchNorm3d LayerNorm GroupNorm RMSNorm
        InstanceNorm1d InstanceNorm2d InstanceNorm3d
        Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout
        CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax
        Mish PReLU RReLU ReLU ReLU6 SELU SiLU Sigmoid Softmax Softmax2d Softmin Softplus Softshrink
        Softsign Tanh Tanhshrink Threshold
        CrossEntropyLoss NLLLoss MSELoss L1Loss SmoothL1Loss HuberLoss BCELoss BCEWithLogitsLoss
        KLDivLoss HingeEmbeddingLoss MarginRankingLoss CosineEmbeddingLoss SoftMarginLoss
        PoissonNLLLoss GaussianNLLLoss TripletMarginLoss TripletMarginWithDistanceLoss
        MultiMarginLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss CosineSimilarity
        PairwiseDistance functional init utils
    """,
    "penlight.nn.functional": """
        linear bilinear embedding one_hot
        batch_norm layer_norm group_norm rms_norm instance_norm normalize
        dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout
        celu celu_ elu elu_ gelu glu gumbel_softmax hardshrink hardsigmoid hardswish hardtanh
        hardtanh_ leaky_relu leaky_relu_ log_softmax logsigmoid mish prelu relu relu6 relu_ rrelu
        rrelu_ selu selu_ sigmoid silu softmax softmin softplus softshrink softsign tanh tanhshrink
        threshold threshold_
        cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy
        binary_cross_entropy_with_logits kl_div hinge_embedding_loss margin_ranking_loss
        cosine_embedding_loss soft_margin_loss poisson_nll_loss gaussian_nll_loss
        triplet_margin_loss triplet_margin_with_distance_loss multi_margin_loss
        multilabel_margin_loss multilabel_soft_margin_loss cosine_similarity pairwise_distance
    """,
    "penlight.nn.init": """
        uniform_ normal_ trunc_normal_ constant_ ones_ zeros_ eye_ dirac_ xavier_uniform_
        xavier_normal_ kaiming_uniform_ kaiming_normal_ orthogonal_ sparse_ calculate_gain
    """,
    "penlight.nn.utils": """
        clip_grad_norm_ clip_grad_value_ get_total_norm clip_grads_with_norm_ parameters_to_vector
        vector_to_parameters
    """,
}
MODULE_METHODS = """
    add_module apply bfloat16 buffers children compile cpu cuda double eval extra_repr float forward
    get_buffer get_extra_state get_parameter get_submodule half load_state_dict modules named_buffers
    named_children named_modules named_parameters parameters register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
    register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict
    to to_empty train type zero_grad
"""


@pytest.mark.parametrize("name", PROMISED)
def test_promised_names_are_public(name: str) -> None:
    assert not set(PROMISED[name].split()) - set(star(name))


def test_promised_methods_of_modules() -> None:
    assert not [n for n in MODULE_METHODS.split() if not callable(getattr(nn.Module, n, None))]


def test_every_function_and_module_has_a_docstring() -> None:
    for name in PROMISED:
        for n, value in star(name).items():
            if not isinstance(value, ModuleType):
                assert (value.__doc__ or "").strip(), f"{name}.{n} has no docstring"


# -- what is there must be tested ----------------------------------------------------------------


def rows() -> set[str]:
    """Names such as ``F.relu`` and ``nn.Linear`` that the table of rows tests."""
    found = set()
    for spec in (*SPECS.values(), *MODULES.values()):
        found |= {re.split(r"[^\w.]", spec.name)[0], *spec.covers}
    return found


def mentions(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8") for path in folder.glob("test_*.py"))


@pytest.mark.parametrize(
    ("package", "short"), [("penlight.nn", "nn."), ("penlight.nn.functional", "F.")]
)
def test_every_public_name_has_a_row(package: str, short: str) -> None:
    tested, text = rows(), mentions(HERE / "nn")
    public = {n for n, value in star(package).items() if not isinstance(value, ModuleType)}
    without = {n for n in public if short + n not in tested}
    # containers and Parameter have tests of their own, which name them
    unnamed = {n for n in without if not re.search(rf"\bnn\.{n}\b", text)}
    assert not unnamed, f"no row and no test for {sorted(unnamed)}"
    assert not without or short == "nn.", f"no row for {sorted(without)}"


@pytest.mark.parametrize("package", ["penlight.nn.init", "penlight.nn.utils"])
def test_every_public_function_is_named_in_a_test(package: str) -> None:
    text = mentions(HERE / "nn")
    functions = [n for n, value in star(package).items() if not isinstance(value, ModuleType)]
    assert not [n for n in functions if not re.search(rf"[\"'.]{n}\b", text)]
