"""The operators' console: web pages on an address of their own, for operators, managers and auditors."""
