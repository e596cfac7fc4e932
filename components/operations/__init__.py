"""Operations on a cluster, through its API alone; nothing here depends on Pulumi."""
