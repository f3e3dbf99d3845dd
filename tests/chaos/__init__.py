"""Chaos: people write while nodes, clients, disks, clocks and the network fail; then every message is counted."""
