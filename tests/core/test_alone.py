"""Programs that ask about compilers and other processes, or are marked for them, run as they are."""

from __future__ import annotations

from typing import Any

import pytest

import penlight


def program(torch: Any) -> list[Any]:
    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        scale: torch.jit.Final[int]

        def __init__(self) -> None:
            super().__init__()
            self.scale = 3

        @torch.jit.ignore
        def count(self) -> int:
            return self.scale

        @torch.jit.unused
        def never(self) -> int:
            return 0

        @torch.jit.export
        def twice(self, x: Any) -> Any:
            return 2 * x

        @torch.compiler.disable
        def forward(self, x: Any) -> Any:
            if torch.jit.is_scripting() or torch.jit.is_tracing() or torch.compiler.is_compiling():
                return x
            return self.twice(x) * self.count()

    @torch.compiler.disable(recursive=False)
    def shifted(x: Any) -> Any:
        return x + torch.jit.annotate(float, 1.0)

    x = shifted(torch.ones(2))
    alone = torch.distributed.is_available() and torch.distributed.is_initialized()
    return [Net()(x).tolist(), alone, torch.jit.isinstance(x, torch.Tensor)]


@pytest.mark.filterwarnings("ignore")
def test_marked_programs_run(lib: Any) -> None:
    assert program(lib) == [[12.0, 12.0], False, True]


def test_what_stays_as_it_is() -> None:
    def double(x: Any) -> Any:
        return 2 * x

    assert penlight.jit.script(double) is double
    assert penlight.jit.script_if_tracing(double) is double
    assert penlight.jit.ignore(drop=True)(double) is double
    assert penlight.compiler.compile(double) is double
    assert not penlight.compiler.is_dynamo_compiling()
    assert not penlight.compiler.is_exporting()
    penlight.compiler.reset()


def test_ranks_need_a_group() -> None:
    with pytest.raises(ValueError, match="no process group"):
        penlight.distributed.get_rank()
    with pytest.raises(ValueError, match="no process group"):
        penlight.distributed.get_world_size()
