"""Both tables: ``python -m benchmarks.speed.peers [OPTIONS of libraries]``.

``benchmarks.speed.peers.libraries`` and ``benchmarks.speed.peers.services`` print one each.
"""

from benchmarks.speed.peers import libraries, services

if __name__ == "__main__":
    libraries.main()
    print("\nThe service beside FastAPI with nothing but `UploadFile`.\n")
    services.main([])
