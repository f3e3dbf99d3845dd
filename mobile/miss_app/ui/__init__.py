"""The screens: they draw what the engine tells and hold no truth of their own."""
