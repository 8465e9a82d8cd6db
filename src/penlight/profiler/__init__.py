"""Where a program's time goes: by op, forward and backward, by module, by the user's own labels.

While no profile is open nothing is measured, and nothing is slower. Names are those of
``torch.profiler``.
"""

from penlight.profiler.events import FunctionEvent as FunctionEvent
from penlight.profiler.profile import (
    ProfilerAction as ProfilerAction,
    ProfilerActivity as ProfilerActivity,
    profile as profile,
    schedule as schedule,
    supported_activities as supported_activities,
    tensorboard_trace_handler as tensorboard_trace_handler,
)
from penlight.profiler.recorder import record_function as record_function
from penlight.profiler.tables import EventList as EventList, FunctionEventAvg as FunctionEventAvg

__all__ = [
    "EventList",
    "FunctionEvent",
    "FunctionEventAvg",
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]
