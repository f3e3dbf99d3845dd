"""The long suites: each proof is a module with ``run(seed) -> dict``, whose verdict is kept under docs/proofs."""
