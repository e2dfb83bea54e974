"""What holds for all tests."""

from mien.memory import settle_garbage


def pytest_collection_finish() -> None:
    """Treat what is alive now as the service treats it after its start.

    Thousands of collected tests take Python up to half a second to search for garbage, in which nothing in the process
    is answered: a test that measures how long an answer takes would measure that.
    """
    settle_garbage()
