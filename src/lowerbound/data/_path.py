"""What a path must be before anything is read from it."""

import os
import stat
from itertools import islice

from lowerbound._suggest import suggest

#: How a sentence names everything that is read.
FORMATS = ".npy, .npz, IDX (plain or gzip), .csv and .tsv"


def check_path(path: str) -> None:
    """Refuse a path that leads to no file with something in it.

    Raises:
        ValueError: There is no such file, or it is a folder, a pipe, empty, or closed to this user.
    """
    try:
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode):
            with open(path, "rb"):
                pass
    except (FileNotFoundError, NotADirectoryError) as error:
        folder, name = os.path.split(path)
        if not os.path.isdir(folder or "."):
            raise ValueError(f"There is no file `{path}`, nor a folder `{folder}`. Check the path.") from error
        closest = suggest(name, _files(folder)) or " Check the path."
        raise ValueError(f"There is no file `{path}`.{closest}") from error
    except PermissionError as error:
        raise ValueError(
            f"`{path}` may not be read by you. Change its permissions, or copy it as its owner."
        ) from error
    except OSError as error:
        raise ValueError(f"`{path}` cannot be opened: {error.strerror}. Check the path.") from error
    if stat.S_ISDIR(status.st_mode):
        inside = _files(path)
        cure = f"Name one of its files, such as `{os.path.join(path, inside[0])}`." if inside else "Name a file."
        raise ValueError(f"`{path}` is a folder, but data are read from one file: {FORMATS}. {cure}")
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"`{path}` is a pipe or a device, but data are read from a file. Write it to a file first.")
    if not status.st_size:
        raise ValueError(f"`{path}` is empty. Save or download it again.")


def _files(folder: str) -> list[str]:
    try:
        with os.scandir(folder or ".") as entries:
            return sorted(entry.name for entry in islice(entries, 1000) if entry.is_file())
    except PermissionError:
        return []
