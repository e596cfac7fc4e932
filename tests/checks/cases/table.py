"""All cases of checks on a real API server."""

from tests.checks.cases.cluster import CASES as CLUSTER
from tests.checks.cases.network import CASES as NETWORK
from tests.checks.cases.nodes import CASES as NODES
from tests.checks.cases.phases import CASES as PHASES

CASES = (*PHASES, *NODES, *CLUSTER, *NETWORK)
