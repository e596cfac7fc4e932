"""What is done to a cluster, through its API alone; nothing here knows of Pulumi."""
