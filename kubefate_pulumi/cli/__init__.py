"""The `kubefate` command."""
