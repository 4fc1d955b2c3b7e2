"""The one error of the simulated site."""


class SimulatorError(Exception):
    """The simulated site or one of its tools cannot do what was asked.

    The message is for the user: it names the cause and the remedy, and never holds a token.
    """
