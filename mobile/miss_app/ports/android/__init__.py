"""Adapters for Android by pyjnius, after the documented Java classes; none of them was ever run on a telephone."""
