"""The part of `api_client.py` that joins records: associations and their labels, on v4 paths."""


def drive(crm, lenient, sandbox):
    pass
