"""The interfaces of other services and libraries, answered by Mien; what Mien cannot answer is left out or refused."""
