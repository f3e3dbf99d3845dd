"""One module a screen, its rules in the ``.kv`` beside it."""
