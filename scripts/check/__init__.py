"""The check catalogue on demand, and as a document."""
