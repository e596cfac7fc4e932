"""The kinds of flows that the probe runs, by the names that budgets and records use."""

from typing import Literal

FlowKind = Literal["pod-http", "pod-full", "pod-echo", "service-http", "service-echo", "dns", "api"]
