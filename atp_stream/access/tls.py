"""TLS contexts of clients."""

import ssl

from atp_stream.settings import SettingError


def client_context(
    names: str, *, ca: str, certificate: str = "", key: str = "", key_password: str = "", check_host: bool = True
) -> ssl.SSLContext:
    """Return a client's TLS context: the system's authorities unless `ca` names others, TLS 1.2 at the least.

    Raises:
        SettingError: a file cannot be used; `names` is what the settings of these files begin with.
    """
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca or None)
    except OSError as error:
        raise SettingError(f"{names}_CA_LOCATION", ca, f"a PEM file of authorities ({_why(error)})") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = check_host
    if certificate:
        try:  # a password is always given: without one OpenSSL would ask the terminal for it
            context.load_cert_chain(certificate, key or None, password=key_password)
        except (OSError, ValueError) as error:
            allowed = f"a PEM file of a certificate, with its key in {names}_KEY_LOCATION and the key's password"
            raise SettingError(f"{names}_CERTIFICATE_LOCATION", certificate, f"{allowed} ({_why(error)})") from None
    return context


def _why(error: OSError | ValueError) -> str:
    """Return what is wrong with a file, without OpenSSL's place in its own source."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
