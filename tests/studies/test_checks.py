"""Random convolutions, poolings and norms, checked: the checks themselves find what is wrong."""

from __future__ import annotations

import pytest

from penlight import nn
from penlight.studies.checks import OPERATIONS, CheckConfig, check_case, run_checks
from penlight.training import ConfigError, JsonLines


@pytest.mark.parametrize("operation", OPERATIONS)
def test_agrees_with_numerical_gradients(operation):
    cases = [check_case(operation, 3, index) for index in range(8)]
    assert all(c["agrees"] and c["numerical_error"] < 1e-6 for c in cases)
    assert len({str(c["arguments"]) + str(c["shape"]) for c in cases}) > 4
    assert cases[0]["arguments"] == check_case(operation, 3, 0)["arguments"]


@pytest.mark.parity
@pytest.mark.parametrize("operation", OPERATIONS)
def test_agrees_with_pytorch(operation, torch):
    cases = [check_case(operation, 4, index, torch) for index in range(8)]
    assert all(c["agrees"] and max(c["error"], c["gradient_error"]) < 1e-5 for c in cases)


@pytest.mark.parity
def test_a_wrong_result_is_seen(torch, monkeypatch):
    forward = nn.Conv2d.forward
    monkeypatch.setattr(nn.Conv2d, "forward", lambda self, x: forward(self, x) * 1.001)
    case = check_case("conv", 4, 0, torch)
    assert not case["agrees"]
    assert case["error"] > 1e-4


def test_a_wrong_gradient_is_seen(monkeypatch):
    forward = nn.Conv2d.forward
    monkeypatch.setattr(nn.Conv2d, "forward", lambda self, x: forward(self, x * 2 - x.detach()))
    assert not check_case("conv", 4, 0)["agrees"]


def test_goes_on_with_what_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr("penlight.studies.checks._find_torch", lambda: None)
    config = CheckConfig("pool", 3, 1)
    whole = run_checks(config, tmp_path / "a", lambda share, state: None)
    assert (whole["cases"], whole["mismatches"], whole["worst_error"]) == (3, 0, None)
    lines = (tmp_path / "a" / "cases.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "cases.jsonl").write_text("".join(lines[:2]) + lines[2][:20])  # torn
    seen = []
    again = run_checks(config, tmp_path / "b", lambda share, state: seen.append(share))
    assert seen == [1]
    assert again["worst_numerical_error"] == whole["worst_numerical_error"]
    assert len(JsonLines(tmp_path / "b" / "cases.jsonl").read()) == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"operation": "cnov"}, "operation must be one of conv, pool, norm, got 'cnov'"),
        ({"cases": 0}, "cases must be a whole number >= 1, got 0"),
        ({"seed": 1.5}, r"seed must be a whole number >= 0, got 1\.5"),
        ({"size": 1}, "here: unknown option 'size'; known: operation, cases, seed"),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        CheckConfig.from_dict(settings, "here")
