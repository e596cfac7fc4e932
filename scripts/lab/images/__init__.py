"""The lab nodes' root file system, container images and image store, all built on this machine."""
