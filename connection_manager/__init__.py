"""Who watches what: the numbered log files of releases, and the sockets that read them."""

from connection_manager.connection import Directory, Viewer
from connection_manager.log_text import clean
from connection_manager.release_logs import ReleaseLogs
from connection_manager.sockets import ConnectionManager
from connection_manager.wire import Limits

__all__ = ["ConnectionManager", "Directory", "Limits", "ReleaseLogs", "Viewer", "clean"]
