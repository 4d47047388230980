"""Where the own servers keep their files and sockets.

A unix socket's path may not be longer than 107 bytes, and a data folder may lie deep: then the
sockets go to a private folder of short name, found again from the data folder's path.
"""

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote

from bot.embedded.processes import EmbeddedServerError

_LONGEST_SOCKET_PATH = 107
_LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"


def postgres_data(data_dir: Path) -> Path:
    return data_dir.resolve() / "postgres"


def postgres_log(data_dir: Path) -> Path:
    return data_dir.resolve() / "postgres.log"


def valkey_data(data_dir: Path) -> Path:
    return data_dir.resolve() / "valkey"


def valkey_log(data_dir: Path) -> Path:
    return valkey_data(data_dir) / "valkey.log"


def valkey_socket(data_dir: Path) -> Path:
    return socket_dir(data_dir) / "valkey.sock"


def socket_dir(data_dir: Path) -> Path:
    """The folder of both sockets: below the data folder when its path is short enough."""
    folder = data_dir.resolve() / "sockets"
    if len(os.fsencode(folder / _LONGEST_SOCKET_NAME)) <= _LONGEST_SOCKET_PATH:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"tralob-{os.geteuid()}-{digest}"


def make_data_dir(data_dir: Path) -> None:
    """Make the data folder, readable by its owner only, unless it is there."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedServerError(
            f"cannot make the folder DATA_DIR={data_dir} ({error.strerror}): "
            "set DATA_DIR to a folder that you may write to"
        ) from error


def make_socket_dir(data_dir: Path) -> Path:
    """Make the folder of the sockets, ours and closed to others: whoever enters is a superuser.

    A name in the shared temporary folder can be taken by somebody else first; then we refuse.
    """
    folder = socket_dir(data_dir)
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (os.geteuid(), _owner(data_dir)):
        raise EmbeddedServerError(
            f"{folder} belongs to somebody else: set DATA_DIR to a shorter path"
        )
    folder.chmod(0o700)
    return folder


def postgres_url(data_dir: Path) -> str:
    """SQLAlchemy's URL of the own PostgreSQL, whether it runs or not."""
    return f"postgresql+asyncpg://tralob@/tralob?host={quote(str(socket_dir(data_dir)), safe='/')}"


def valkey_url(data_dir: Path) -> str:
    """redis-py's URL of the own Valkey, whether it runs or not."""
    return f"unix://{quote(str(valkey_socket(data_dir)), safe='/')}?db=0"


def _owner(data_dir: Path) -> int:
    data = postgres_data(data_dir)
    return data.stat().st_uid if data.exists() else os.geteuid()
