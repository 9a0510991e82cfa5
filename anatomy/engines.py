"""Ray: the connection to a cluster, which all that runs there shares."""

from __future__ import annotations

import logging
import os
from typing import Any

from anatomy.errors import InputError
from anatomy.files import shown


def connected(address: str | None) -> Any:
    """Ray, connected to a cluster.

    Parameters
    ----------
    address : str or None
        Of the cluster ("auto": the one that this machine belongs to). None: processes here.

    Raises
    ------
    InputError
        No Ray, or no cluster at this address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise InputError("--engine ray: needs Ray; pip install 'prompt-anatomy[ray]'") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    if not ray.is_initialized():
        try:
            ray.init(
                address=address,
                include_dashboard=False if address is None else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise InputError(
                f"--address {shown(address)}: no Ray cluster answers ({shown(error)[:200]}); start "
                "one with `ray start --head`, or leave the address out"
            ) from error
    ray.data.DataContext.get_current().enable_progress_bars = False
    return ray
