"""What runs inside the pods: only the standard library, mounted at /app and started as `python3 -m app.<module>`."""
