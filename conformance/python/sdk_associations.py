"""The part of `sdk.py` that joins records: associations and their labels."""


def drive(crm, lenient, sandbox):
    pass
