"""The simulated lab: a real Kubernetes control plane on loopback ports, with simulated nodes instead of machines."""

# Files that a control plane shares with its simulator, in its folder.
PORTS_FILE, FAULTS_FILE, MACHINES_FILE = "ports.json", "faults.json", "machines.json"
