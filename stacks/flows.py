"""The kinds of flows that the probe keeps going, as budgets and records name them."""

from typing import Literal

FlowKind = Literal["pod-http", "pod-full", "pod-echo", "service-http", "service-echo", "dns", "api"]
