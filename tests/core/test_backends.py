"""What programs ask before they choose a device."""

from __future__ import annotations

import pytest


def test_programs_that_look_for_a_gpu_end_on_the_cpu(lib):
    torch = lib
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    name = (
        "cuda"
        if torch.cuda.is_available()
        else "mps"
        if torch.backends.mps.is_available()
        else "cpu"
    )
    assert torch.device(name).type == "cpu"
    assert torch.cuda.device_count() == 0
    torch.cuda.manual_seed(0)
    torch.cuda.manual_seed_all(0)
    torch.cuda.empty_cache()
    with pytest.raises(AssertionError):
        torch.cuda.synchronize()
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.deterministic = before
    assert not torch.backends.cudnn.is_available()
    with pytest.raises((RuntimeError, AssertionError)):
        torch.zeros(2, device="cuda")
