"""Profiles of programs whose ops can be counted by hand."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import penlight
from penlight import nn, optim
from penlight.autograd.function import Function
from penlight.autograd.node import Node
from penlight.autograd.op import Op, ViewOp
from penlight.autograd.walk import Walk
from penlight.nn.modules.module import Module
from penlight.profiler import (
    ProfilerAction,
    ProfilerActivity,
    profile,
    record_function,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)
from penlight.utils.data import DataLoader, TensorDataset
from penlight.utils.data.iterators import LoaderIterator


def all_kinds(root: type) -> Iterator[type]:
    yield root
    for sub in root.__subclasses__():
        yield from all_kinds(sub)


def state_of_classes() -> dict[tuple[type, str], Any]:
    """What stands in all classes where measuring versions may be put."""
    places = [
        (Op, "apply"), (Function, "apply"), (Node, "_call_backward"), (optim.Optimizer, "step"),
        (optim.Optimizer, "zero_grad"), (Module, "__call__"), (LoaderIterator, "__next__"), (Walk, "run"),
    ]  # fmt: skip
    return {
        (kind, name): vars(kind)[name]
        for root, name in places
        for kind in all_kinds(root)
        if name in vars(kind)
    }


@pytest.fixture(autouse=True)
def _everything_is_restored() -> Iterator[None]:
    before = state_of_classes()
    assert (ViewOp, "apply") in before
    yield
    after = state_of_classes()
    assert {k: v for k, v in after.items() if k in before} == before


def names(prof: profile) -> Counter[str]:
    return Counter(event.name for event in prof.events())


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def test_calls_are_counted_exactly() -> None:
    x = penlight.ones(3, 3, requires_grad=True)
    with profile() as prof:
        for _ in range(5):
            y = x.relu().T  # one op, one view
        y.sum().backward()
    found = names(prof)
    assert found["Relu"] == 5
    assert found["Permute"] + found["Transpose"] + found["T"] == 5
    assert found["Sum"] == 1
    assert found["backward()"] == 1
    assert found["ReluBackward0"] == found["SumBackward0"] == 1
    x.relu()  # after the end nothing is noted
    assert names(prof) == found


def test_a_training_step() -> None:
    m = model()
    o = optim.SGD(m.parameters(), 0.1)
    with profile(profile_memory=True) as prof:
        for _ in range(2):
            o.zero_grad()
            m(penlight.ones(3, 4)).sum().backward()
            o.step()
    found = names(prof)
    assert found["Linear"] == 4
    assert found["AddmmBackward0"] == 4
    assert found["Optimizer.step#SGD.step"] == found["Optimizer.zero_grad#SGD.zero_grad"] == 2
    phases = {event.name: event.phase for event in prof.events()}
    assert phases["Linear"] == "forward"
    assert phases["AddmmBackward0"] == "backward"
    assert phases["Optimizer.step#SGD.step"] == "optimizer"
    rows = {row.key: row for row in prof.key_averages()}
    assert rows["Linear"].count == 4
    assert rows["Linear"].cpu_memory_usage == 2 * 4 * (3 * 8 + 3 * 2)
    assert rows["Relu"].self_cpu_memory_usage == 2 * 4 * 3 * 8


def test_overridden_steps_count_once() -> None:
    class Twice(optim.SGD):
        def step(self, closure: Any = None) -> Any:
            super().step()
            return super().step(closure)

    p = nn.Parameter(penlight.ones(2))
    p.grad = penlight.ones(2)
    o = Twice([p], 0.5)
    with profile() as prof:
        o.step()
    assert names(prof) == {"Optimizer.step#Twice.step": 1}
    assert p.tolist() == [0, 0]


def test_times_and_parts_are_consistent() -> None:
    with profile() as prof, record_function("outer"):
        with record_function("inner"):
            penlight.ones(4).exp()
        penlight.ones(4).exp()
    events = {e.name: e for e in prof.events() if e.is_user_annotation}
    outer, inner = events["outer"], events["inner"]
    assert inner.cpu_parent is outer
    assert [e.name for e in outer.cpu_children] == ["inner", "Exp"]
    for event in prof.events():
        inside = sum(c.cpu_time_total for c in event.cpu_children)
        assert event.self_cpu_time_total == pytest.approx(event.cpu_time_total - inside)
        assert event.self_cpu_time_total >= 0
        for child in event.cpu_children:
            assert event.time_range.start <= child.time_range.start
            assert child.time_range.end <= event.time_range.end
    total = prof.key_averages().self_cpu_time_total
    assert total == pytest.approx(outer.cpu_time_total)
    assert prof.events().total_average().self_cpu_time_total == pytest.approx(total)
    assert prof.key_averages().total_average().count == len(prof.events())


def test_ops_inside_a_backward_are_told_apart() -> None:
    x = penlight.randn(2, 1, 6, 6, requires_grad=True)
    with profile() as prof:
        nn.functional.interpolate(x, scale_factor=2).sum().backward()
    found = names(prof)
    assert found["RepeatBlocks"] == found["SumBlocks (backward)"] == 1
    (node,) = [e for e in prof.events() if e.name == "UpsampleNearest2DBackward0"]
    assert [c.name for c in node.cpu_children] == ["SumBlocks (backward)"]


def test_gradients_passed_on_are_no_memory() -> None:
    x = penlight.ones(100, requires_grad=True)
    with profile(profile_memory=True) as prof:
        ((x + x.detach()) * 2).sum().backward()
    sizes = {event.name: event.cpu_memory_usage for event in prof.events()}
    assert sizes["Add"] == sizes["Mul"] == 400
    assert sizes["MulBackward0"] == 400
    assert sizes["AddBackward0"] == 0  # the gradient that came is the one that goes


def test_what_is_left_open_ends_with_what_is_around_it() -> None:
    with profile() as prof:
        with record_function("outer"):
            record_function("forgotten").__enter__()
        with record_function("later"):
            pass
    assert [e.cpu_parent for e in prof.events() if e.name in ("outer", "later")] == [None, None]


def test_shapes_on_request() -> None:
    m = model()
    with profile(record_shapes=True) as prof:
        m(penlight.ones(3, 4))
        m(penlight.ones(5, 4))
    rows = [r for r in prof.key_averages(group_by_input_shape=True) if r.key == "Linear"]
    assert sorted(r.input_shapes for r in rows) == [
        [[3, 4], [8, 4], [8]], [[3, 8], [2, 8], [2]], [[5, 4], [8, 4], [8]], [[5, 8], [2, 8], [2]],
    ]  # fmt: skip
    assert "[[3, 4], [8, 4], [8]]" in prof.key_averages(group_by_input_shape=True).table()
    with profile() as bare:
        m(penlight.ones(3, 4))
    with pytest.raises(ValueError, match="record_shapes=True"):
        bare.key_averages(group_by_input_shape=True)


def test_modules_on_request() -> None:
    m = nn.Sequential(model(), nn.Tanh())
    with profile(with_modules=True) as prof:
        m(penlight.ones(3, 4)).sum().backward()
    found = names(prof)
    assert found["nn.Module: Linear 0.0"] == found["nn.Module: Linear 0.2"] == 1
    assert found["nn.Module: Sequential"] == 1
    assert found["nn.Module: Sequential 0"] == 1
    rows = {row.key: row.count for row in prof.key_averages(group_by_module=True)}
    assert rows["0.0: Linear [forward]"] == rows["0.0: Linear [backward]"] == 1
    assert rows["1: Tanh [forward]"] == 1
    assert rows["(outside modules) [forward]"] == 1
    with profile() as bare:
        m(penlight.ones(3, 4))
    assert not [n for n in names(bare) if "Module" in n]
    with pytest.raises(ValueError, match="with_modules=True"):
        bare.key_averages(group_by_module=True)


def test_stacks_on_request() -> None:
    with profile(with_stack=True) as prof:
        penlight.ones(2).exp()
    (event,) = [e for e in prof.events() if e.name == "Exp"]
    assert "test_profile.py" in event.stack[0]
    assert "test_stacks_on_request" in event.stack[0]
    assert "test_profile.py" in prof.key_averages(group_by_stack_n=1).table()


def test_functions_of_ones_own() -> None:
    class Double(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            return dy * 2

    x = penlight.ones(2, requires_grad=True)
    with profile() as prof:
        Double.apply(x).sum().backward()
    found = names(prof)
    assert found["Double"] == found["Mul"] == found["DoubleBackward"] == 1


def test_exceptions_restore_everything_and_keep_what_was_noted() -> None:
    before = state_of_classes()
    prof = profile()

    def fails() -> None:
        with prof, record_function("failing"):
            assert state_of_classes() != before
            penlight.ones(2) + penlight.ones(3)

    with pytest.raises(RuntimeError, match="size"):
        fails()
    assert state_of_classes() == before
    assert names(prof)["failing"] == 1
    assert names(prof)["Add"] == 1
    with profile() as again:
        penlight.ones(2).exp()
    assert names(again) == {"Exp": 1}


def test_a_second_profile_is_refused_and_leaves_the_first() -> None:
    with profile() as prof:
        with pytest.raises(RuntimeError, match="another profile is recording"), profile():
            pass
        penlight.ones(2).exp()
    assert names(prof) == {"Exp": 1}


def test_other_threads_are_kept_apart() -> None:
    def work() -> None:
        with record_function("work"):
            penlight.ones(2).exp()

    with profile() as prof, record_function("main"):
        threads = [threading.Thread(target=work, name=f"worker {i}") for i in range(3)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    works = [e for e in prof.events() if e.name == "work"]
    assert {e.thread_name for e in works} == {"worker 0", "worker 1", "worker 2"}
    assert all(e.cpu_parent is None for e in works)
    assert all([c.name for c in e.cpu_children] == ["Exp"] for e in works)


def test_a_thread_that_outlives_the_profile() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with record_function("long"):
            inside.set()
            go_on.wait(10)
            penlight.ones(2).exp()

    thread = threading.Thread(target=work)
    with profile() as prof:
        thread.start()
        inside.wait(10)
    go_on.set()
    thread.join()
    assert names(prof)["Exp"] == 0


def test_record_function_without_a_profile_and_around_functions() -> None:
    @record_function("labelled")
    def f(x: Any) -> Any:
        return x.exp()

    assert f(penlight.zeros(1)).item() == 1
    with profile() as prof:
        f(penlight.zeros(1))
        f(penlight.zeros(1))
        with record_function("more", "a=1"):
            pass
    assert names(prof) == {"labelled": 2, "Exp": 2, "more(a=1)": 1}


def test_loaders_are_measured() -> None:
    data = DataLoader(TensorDataset(penlight.arange(6)), batch_size=2)
    with profile() as prof:
        assert len(list(data)) == 3
    rows = [r for r in prof.key_averages() if r.key.startswith("enumerate(DataLoader)#")]
    assert [(r.count, r.phase) for r in rows] == [(4, "data")]  # the last finds the end


# -- tables and traces -----------------------------------------------------------------------------


def test_table() -> None:
    m = model()
    with profile(profile_memory=True) as prof:
        m(penlight.ones(300, 4)).sum().backward()
    averages = prof.key_averages()
    text = averages.table(sort_by="self_cpu_time_total", row_limit=3, header="Title")
    lines = text.splitlines()
    assert lines[0] == "Title"
    assert [
        t in lines[2]
        for t in ("Self CPU %", "CPU total", "CPU time avg", "# of Calls", "Self CPU Mem")
    ]
    assert len(lines[4:-1]) - 3 == 3, text  # the rows; then a rule, the sum and two phases
    assert "Self CPU time total" in text
    assert "  backward: " in text
    rows = [row.self_cpu_time_total for row in averages._sorted("self_cpu_time_total")]
    assert rows == sorted(rows, reverse=True)
    counts = averages.table(sort_by="count", time_unit="ms")
    assert "us" not in counts.replace("usage", "")
    assert "KB" in text or "B" in text
    assert averages.table(sort_by="cuda_time_total")
    assert "..." in averages.table(max_name_column_width=6)
    with pytest.raises(ValueError, match="sort_by must be one of"):
        averages.table(sort_by="colour")
    with pytest.raises(ValueError, match="time_unit"):
        averages.table(time_unit="h")


def test_units() -> None:
    from penlight.profiler.tables import format_memory, format_time

    assert [format_time(t) for t in (1, 1500, 2.5e6)] == ["1.000us", "1.500ms", "2.500s"]
    assert format_time(1500, "us") == "1500.000us"
    assert [format_memory(n) for n in (12, 2048, 3 << 20, 1 << 30)] == [
        "12 B", "2.00 KB", "3.00 MB", "1.00 GB",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["trace.json", "trace.json.gz"])
def test_trace(tmp_path: Path, name: str) -> None:
    m = model()
    o = optim.Adam(m.parameters())
    with profile(record_shapes=True, with_modules=True) as prof, record_function("step"):
        m(penlight.ones(3, 4)).sum().backward()
        o.step()
    prof.export_chrome_trace(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    trace = json.loads(gzip.decompress(data) if name.endswith("gz") else data)
    events = trace["traceEvents"]
    bars = [e for e in events if e["ph"] == "X"]
    assert len(bars) == len(prof.events())
    for e in bars:
        assert set(e) == {"ph", "cat", "name", "pid", "tid", "ts", "dur", "args"}
        assert isinstance(e["pid"], int)
        assert isinstance(e["tid"], int)
        assert e["dur"] >= 0
    assert {e["cat"] for e in bars} == {"cpu_op", "user_annotation", "python_function"}
    assert {"Linear", "AddmmBackward0", "Optimizer.step#Adam.step", "step"} <= {
        e["name"] for e in bars
    }
    meta = {e["name"]: e["args"]["name"] for e in events if e["ph"] == "M"}
    assert meta == {"process_name": "penlight", "thread_name": "MainThread"}
    assert _properly_nested(bars)
    starts = {e["id"]: e for e in events if e["ph"] == "s"}
    ends = {e["id"]: e for e in events if e["ph"] == "f"}
    assert len(starts) >= 3  # linear, relu, linear, sum
    assert starts.keys() == ends.keys()
    assert all(starts[i]["ts"] < ends[i]["ts"] and ends[i]["bp"] == "e" for i in starts)
    (linear,) = [e for e in bars if e["args"].get("Input Dims") == [[3, 4], [8, 4], [8]]]
    assert linear["args"]["Module"] == "0: Linear"


def _properly_nested(bars: list[dict[str, Any]]) -> bool:
    """Whether any two bars of a thread are apart or one inside the other."""
    open_ends: list[float] = []
    for bar in sorted(bars, key=lambda b: (b["ts"], -b["dur"])):
        while open_ends and open_ends[-1] <= bar["ts"]:
            open_ends.pop()
        if open_ends and bar["ts"] + bar["dur"] > open_ends[-1] + 1e-6:
            return False
        open_ends.append(bar["ts"] + bar["dur"])
    return True


# -- schedules -------------------------------------------------------------------------------------

N, W, R, S = (
    ProfilerAction.NONE, ProfilerAction.WARMUP, ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE,
)  # fmt: skip


@pytest.mark.parametrize(
    ("options", "actions"),
    [
        ({"wait": 1, "warmup": 1, "active": 2}, [N, W, R, S, N, W, R, S, N]),
        ({"wait": 0, "warmup": 0, "active": 1}, [S, S, S]),
        ({"wait": 1, "warmup": 1, "active": 1, "repeat": 1}, [N, W, S, N, N, N]),
        ({"wait": 1, "warmup": 0, "active": 2, "skip_first": 2}, [N, N, N, R, S, N]),
        ({"wait": 2, "warmup": 1, "active": 1, "skip_first": 1, "skip_first_wait": 1, "repeat": 2},
         [N, W, S, N, N, W, S, N, N]),
    ],
)  # fmt: skip
def test_schedule(options: dict[str, int], actions: list[ProfilerAction]) -> None:
    made = schedule(**options)
    assert [made(i) for i in range(len(actions))] == actions


@pytest.mark.parity
@pytest.mark.parametrize("skip_first_wait", [0, 1])
@pytest.mark.parametrize("skip_first", [0, 2])
@pytest.mark.parametrize("repeat", [0, 2])
def test_schedule_is_pytorchs(
    torch: Any, repeat: int, skip_first: int, skip_first_wait: int
) -> None:
    options = {"repeat": repeat, "skip_first": skip_first, "skip_first_wait": skip_first_wait}
    for wait, warmup, active in [(0, 1, 1), (2, 1, 3), (1, 2, 2)]:
        ours = schedule(wait=wait, warmup=warmup, active=active, **options)
        theirs = torch.profiler.schedule(wait=wait, warmup=warmup, active=active, **options)
        assert [ours(i).name for i in range(20)] == [theirs(i).name for i in range(20)]


def test_bad_schedules_are_refused() -> None:
    with pytest.raises(AssertionError, match="active"):
        schedule(wait=1, warmup=1, active=0)
    with pytest.raises(AssertionError, match="wait=-1"):
        schedule(wait=-1, warmup=1, active=1)


def test_scheduled_profile() -> None:
    before, ready = state_of_classes(), []
    plan = schedule(wait=1, warmup=1, active=2, repeat=2)
    with profile(schedule=plan, on_trace_ready=lambda p: ready.append(names(p))) as prof:
        for step in range(10):
            assert (state_of_classes() == before) == (plan(step) in (N, W))
            penlight.ones(2).exp()
            prof.step()
    assert ready == [
        {"Exp": 2, "ProfilerStep#2": 1, "ProfilerStep#3": 1},
        {"Exp": 2, "ProfilerStep#6": 1, "ProfilerStep#7": 1},
    ]
    assert prof.step_num == 10


def test_traces_for_tensorboard(tmp_path: Path) -> None:
    handler = tensorboard_trace_handler(str(tmp_path / "log"), "me", use_gzip=True)
    with profile(on_trace_ready=handler):
        penlight.ones(2).exp()
    (file,) = (tmp_path / "log").iterdir()
    assert file.name.startswith("me.")
    assert file.name.endswith(".pt.trace.json.gz")
    assert "traceEvents" in json.loads(gzip.decompress(file.read_bytes()))


def test_start_and_stop() -> None:
    prof = profile()
    with pytest.raises(AssertionError, match="nothing has been recorded"):
        prof.events()
    prof.start()
    penlight.ones(2).exp()
    prof.step()
    prof.stop()
    prof.stop()
    assert names(prof)["Exp"] == 1


def test_activities() -> None:
    assert supported_activities() == {ProfilerActivity.CPU}
    profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA])
    with pytest.raises(AssertionError, match="must hold"):
        profile(activities=[])
    with pytest.warns(UserWarning, match="not counted"):
        profile(with_flops=True)


@pytest.mark.parity
def test_names_are_pytorchs(torch: Any) -> None:
    import inspect

    for ours, theirs in [
        (profile, torch.profiler.profile),
        (record_function, torch.profiler.record_function),
        (schedule, torch.profiler.schedule),
        (tensorboard_trace_handler, torch.profiler.tensorboard_trace_handler),
    ]:
        a, b = (inspect.signature(f).parameters.values() for f in (ours, theirs))
        assert [(p.name, p.kind, p.default) for p in a] == [(p.name, p.kind, p.default) for p in b]
    x = torch.ones(2, 2, requires_grad=True)
    with torch.profiler.profile(record_shapes=True) as other:
        x.exp().sum().backward()
    with profile(record_shapes=True) as mine:
        penlight.ones(2, 2, requires_grad=True).exp().sum().backward()
    table, averages = other.key_averages(), mine.key_averages()
    assert "ExpBackward0" in names(mine)
    assert "ExpBackward0" in {e.key for e in table}
    shared = "key count cpu_time cpu_time_str cpu_time_total self_cpu_time_total cpu_memory_usage"
    for name in shared.split():
        assert type(getattr(averages[0], name)) is type(getattr(table[0], name)), name
    a, b = (inspect.signature(t.table).parameters.values() for t in (averages, table))
    assert [(p.name, p.default) for p in a] == [(p.name, p.default) for p in b]


# -- the command -----------------------------------------------------------------------------------

SCRIPT = """
import sys
import penlight as torch
assert sys.argv[1:] == ["--n", "3"], sys.argv
import beside
for _ in range(int(sys.argv[2])):
    torch.ones(2).exp()
sys.exit(beside.CODE)
"""


def bottleneck(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "penlight.utils.bottleneck", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_bottleneck(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    (tmp_path / "beside.py").write_text("CODE = 0")
    done = bottleneck(str(script), "--n", "3")
    assert done.returncode == 0, done.stderr
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("Exp ")]
    assert row.split()[-1] == "3"
    assert "tottime" in done.stdout
    (tmp_path / "beside.py").write_text("CODE = 3  # no success")
    assert bottleneck(str(script), "--n", "3").returncode == 3
    missing = bottleneck(str(tmp_path / "none.py"))
    assert missing.returncode == 2
    assert "there is no file" in missing.stderr
