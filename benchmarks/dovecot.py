"""A Dovecot of our own: LMTP on a free port, in a folder that goes away with it, as an unprivileged user.

Needs Debian's dovecot-lmtpd. Every message is on disk before it is answered (`mail_fsync = always`).
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

__all__ = ["DOVECOT", "Dovecot", "running"]

DOVECOT = Path("/usr/sbin/dovecot")

_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/state/log
protocols = lmtp
ssl = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_location = {kind}:~/mail
mail_fsync = always
first_valid_uid = 1
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%n allow_all_users=yes
}}
service lmtp {{
  process_min_avail = 16
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@frozen
class Dovecot:
    """One that runs."""

    pid: int
    port: int
    mail: Path


@contextmanager
def running(kind: str) -> Iterator[Dovecot]:
    """Runs a Dovecot that stores as `maildir` or `sdbox`, and takes mail for every local part."""
    import grp
    import pwd

    user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    group = grp.getgrgid(user.pw_gid)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="dovecot-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("run", "mail", "state"):
            (folder / part).mkdir()
            shutil.chown(folder / part, user.pw_uid, user.pw_gid)
        said = _CONFIGURATION.format(
            folder=folder,
            kind=kind,
            port=port,
            user=user.pw_name,
            group=group.gr_name,
            uid=user.pw_uid,
            gid=user.pw_gid,
        )
        (folder / "dovecot.conf").write_text(said)
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        process = subprocess.Popen([DOVECOT, "-F", "-c", folder / "dovecot.conf"], **who)  # type: ignore[call-overload]
        try:
            _wait_for(port)
            yield Dovecot(process.pid, port, folder / "mail")
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                if connection.recv(3) == b"220":
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("Dovecot does not answer")
