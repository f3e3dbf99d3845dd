"""The server: it stores and forwards what it cannot read, and checks who people are."""
