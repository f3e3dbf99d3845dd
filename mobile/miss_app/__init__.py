"""The MiSS client: an engine without a screen, and screens that draw what it tells."""
