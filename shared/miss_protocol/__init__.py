"""What client and server agree on: bytes in, events out; no sockets, files, clocks, threads or logging."""
