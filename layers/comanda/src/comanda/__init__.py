"""Comanda: exactly-once order processing and reports on AWS serverless."""
