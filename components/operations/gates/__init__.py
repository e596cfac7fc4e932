"""External health gates, queried by HTTP: Prometheus alerts and Goldpinger."""
