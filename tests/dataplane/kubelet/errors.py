"""Errors of the kubelet."""


class KubeletError(RuntimeError):
    """What the API server asks for cannot be done; the message names object and field."""
