"""What FATE's programs need to read, as pure text and data. Imports no pulumi."""
