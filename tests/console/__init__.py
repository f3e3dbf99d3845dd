"""The console in a real browser; a package, so that browser and server end with this folder's tests."""
