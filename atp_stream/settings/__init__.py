"""What an operator can set, read from the environment and nowhere else: `Settings.from_environment()`."""

from atp_stream.settings.kafka import Identification, KafkaSecurity, SaslMechanism, SecurityProtocol
from atp_stream.settings.kinds import FOREVER, HalfSetError, Setting, SettingError, UnknownSettingError, environment_of
from atp_stream.settings.registry import RegistrySecurity
from atp_stream.settings.settings import LogFormat, LogLevel, Settings, Wire, catalogue
from atp_stream.settings.web import WebSettings, is_loopback

__all__ = [
    "FOREVER",
    "HalfSetError",
    "Identification",
    "KafkaSecurity",
    "LogFormat",
    "LogLevel",
    "RegistrySecurity",
    "SaslMechanism",
    "SecurityProtocol",
    "Setting",
    "SettingError",
    "Settings",
    "UnknownSettingError",
    "WebSettings",
    "Wire",
    "catalogue",
    "environment_of",
    "is_loopback",
]
