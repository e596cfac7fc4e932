"""Records of flows: counted, printed, signed, handed over and validated."""
