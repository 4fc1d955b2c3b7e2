"""Does the federation work? A ladder of checks, each with what it tried, a verdict and a remedy. Imports no pulumi."""
