"""The base of every error that is a person's to mend rather than a bug of ours."""


class GozeroError(Exception):
    """One clear sentence naming the thing and the way out; the command line prints it and exits with status 2.

    Subclasses live beside the code that raises them. A plain bad value stays a `ValueError`.
    """
