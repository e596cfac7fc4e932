"""Programs of the pods, with only the standard library, mounted at /app and started as `python3 -m app.<module>`."""
