"""What an account says of encrypting its mail. Pure."""

from mailkit.encryption.demand import AccountKeys
from mailkit.encryption.keys import Keys
from mailkit.principals.records import Profile

__all__ = ["mail_keys"]


def mail_keys(profile: Profile | None) -> AccountKeys:
    """Certificates where there are any, else the OpenPGP key; none are used unless the account or a mailbox asks."""
    if profile is None:
        return AccountKeys()
    keys = None
    if profile.certificates:
        keys = Keys("smime", profile.certificates, profile.cipher)
    elif profile.public_key:
        keys = Keys("openpgp", profile.public_key)
    return AccountKeys(keys, profile.encrypt)
