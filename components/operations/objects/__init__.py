"""Objects of the cluster, read into the records that checks and plans use."""
