"""What the environment says."""

from __future__ import annotations

import pytest

from nbtrack.config import Durability, Settings, read_settings
from nbtrack.errors import InvalidInput


def test_settings_come_from_the_variables() -> None:
    assert read_settings({}) == Settings()
    found = read_settings({"NBTRACK_TRACKING_URI": "runs", "NBTRACK_DURABILITY": "FULL", "NBTRACK_USER": "ada", "NBTRACK_RUN_ID": ""})
    assert (found.tracking_uri, found.durability, found.user, found.run_id) == ("runs", Durability.FULL, "ada", None)


def test_unknown_durability_is_refused() -> None:
    with pytest.raises(InvalidInput, match="NBTRACK_DURABILITY is 'always'; set it to 'normal' or 'full'"):
        read_settings({"NBTRACK_DURABILITY": "always"})
