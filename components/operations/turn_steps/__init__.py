"""Steps of a node's turn after its drain: agent, recycle, reboot, and the proof that its network works."""
