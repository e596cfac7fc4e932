"""What becomes of a cluster's network policies, on demand."""
