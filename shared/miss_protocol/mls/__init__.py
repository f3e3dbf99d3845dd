"""Messaging Layer Security, RFC 9420: one chapter a module, pure steps on immutable state."""
