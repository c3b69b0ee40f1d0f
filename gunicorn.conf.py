"""How the web processes run. gunicorn reads this file by itself when it starts in this folder.

Settings are read here first, so that one that cannot be used ends the start with its sentence, before any process is made. What
is given on gunicorn's command line (``--bind``, ``--workers``) goes before what stands here.
"""

import gc
import os
from typing import Any

from config import Settings

settings = Settings.from_environment()

# While a process puts the application together nothing becomes garbage: looking for it would be a sixth of the start. What was
# put together stays: looking through it again and again would be a tenth of the work.
gc.disable()


def post_worker_init(worker: Any) -> None:
    """The process has its application and may serve."""
    gc.freeze()
    gc.enable()


wsgi_app = "app:create_app()"
bind = f"127.0.0.1:{settings.port}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 8
# A request that takes longer has lost its reader; long work is a job.
timeout = 60
# Processes are steered by signals; nothing here needs a socket that takes commands.
control_socket_disable = True
