"""The parts of a federated learning cluster, one module each."""
