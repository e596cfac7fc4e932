"""Sample workloads that are sensitive to drains, traffic that records every loss, and a reader of its records."""
