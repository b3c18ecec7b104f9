"""The Butler's version, as told by `/health`, the API's description and the command line."""

VERSION = "0.1.0"
