"""How work is delivered: written once, for orders, reports and notifications alike."""
