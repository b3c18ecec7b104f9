"""Keys that are made once in the data directory, and the box that encrypts what the database holds."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from robust_error_handler import ButlerError, Code

ENCRYPTION_KEY_FILE = "encryption-key"


def key_from_file(path: Path, make: Callable[[], str]) -> str:
    """The text of a key file; where there is none, `make` writes one that only the owner can read.

    The file appears whole or not at all, and of two processes that start at once both get the same key.
    """
    with contextlib.suppress(FileNotFoundError):
        return _read_private(path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(make() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    return _read_private(path)


class SecretBox:
    """Encrypts text with the first key and reads what any of the keys encrypted, so that keys can be changed."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._digest_key = hashlib.sha256(b"digests\0" + keys[0].encode("ascii")).digest()

    @classmethod
    def in_folder(cls, data_dir: Path) -> SecretBox:
        """The box of a data directory. Its key file may hold older keys too, one a line after the current one."""
        path = data_dir / ENCRYPTION_KEY_FILE
        keys = key_from_file(path, lambda: Fernet.generate_key().decode("ascii")).split()
        try:
            return cls(keys)
        except ValueError as error:
            raise ButlerError(
                f"The encryption key in {path} cannot be used.",
                "Put the original file back; a new key cannot read the secrets that are stored already.",
                Code.STORAGE,
                503,
            ) from error

    def seal(self, text: str) -> str:
        """The text, encrypted and signed."""
        return self._fernet.encrypt(text.encode("utf-8")).decode("ascii")

    def digest(self, text: str) -> str:
        """64 hex digits by which the same text is known again, and from which it cannot be guessed without the key."""
        return hmac.new(self._digest_key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def unseal(self, sealed: str) -> str:
        """The text that `seal` was given."""
        try:
            return self._fernet.decrypt(sealed.encode("ascii")).decode("utf-8")
        except (InvalidToken, UnicodeError) as error:
            raise ButlerError(
                "A stored secret cannot be read: it was encrypted with another key.",
                f"Put the {ENCRYPTION_KEY_FILE} file that belongs to this database back, or store the secret again.",
                Code.STORAGE,
                503,
            ) from error


def _read_private(path: Path) -> str:
    text = path.read_text(encoding="ascii").strip()
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return text
