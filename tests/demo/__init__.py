"""The main scene of MiSS, played on the real screens by taps and typed text alone."""
