"""What an order and a report cost on AWS: calls and units counted, and priced from a list (docs/cost.md)."""
