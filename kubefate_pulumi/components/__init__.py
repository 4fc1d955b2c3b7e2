"""Pulumi components: one module each."""
