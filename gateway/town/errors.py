"""What can go wrong with the town itself."""


class TownError(Exception):
    """The rehearsal town could not start or was asked for something it does not know."""
