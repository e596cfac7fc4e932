"""Sample workloads that a drain can hurt, traffic that counts every loss, and the reader of its records."""
