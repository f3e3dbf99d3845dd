"""What differs from one platform to the next, each behind a small interface: ``interfaces`` lists them all."""
