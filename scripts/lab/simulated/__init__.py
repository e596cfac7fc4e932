"""A Kubernetes control plane on loopback ports, with simulated nodes: real API behaviour without real machines."""

# The files of a control plane's folder that it shares with its simulator.
PORTS_FILE, FAULTS_FILE, MACHINES_FILE = "ports.json", "faults.json", "machines.json"
