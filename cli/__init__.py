"""The command line's parts: a client of the HTTP API that knows nothing of the server's insides.

Two things work without a server and import its modules only when they are asked for: the plan of a local folder, and
the stand-ins of base images on this machine's engine.
"""
