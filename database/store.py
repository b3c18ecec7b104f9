"""The database as the rest of the Butler sees it: the questions that may be asked, grouped by noun."""

from __future__ import annotations

from database.deployments import Deployments
from database.engine import read_address
from database.keys import Keys
from database.migrate import migrate
from database.ports import Ports
from database.releases import Releases
from database.tokens import Tokens
from database.transactions import Transactions
from database.users import Users
from secret_box import SecretBox
from settings import Settings


class Database(Transactions):
    """One database. Everything is synchronous; rows that it returns are copies, and changing one changes nothing."""

    def __init__(self, settings: Settings) -> None:
        self._url = read_address(settings.database_address)
        super().__init__(self._url)
        box = SecretBox.in_folder(settings.data_dir)
        self.users = Users(self, box)
        self.deployments = Deployments(self, box)
        self.releases = Releases(self, box)
        self.ports = Ports(self)
        self.tokens = Tokens(self)
        self.keys = Keys(self, box)

    def migrate(self) -> None:
        """Make or update the tables; refuses a damaged, foreign or newer database. Called once, before all else."""
        migrate(self._url)
