"""Measures the server under load, on its real protocol, beside a bare relay that shows what the machine can do."""
