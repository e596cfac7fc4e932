"""Runs the checks on demand, and writes their catalogue as a document."""
