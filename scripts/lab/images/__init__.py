"""The root file system, the container images and the ready image store of the lab's nodes, all made on this machine."""
