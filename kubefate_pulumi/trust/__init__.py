"""X.509: certificate authorities, leaves, and what others may read of them. Imports no pulumi."""
