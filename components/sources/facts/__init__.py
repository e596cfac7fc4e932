"""Facts that are read the same way for every old CNI: programs, folders, encryption, addresses seen outside."""
