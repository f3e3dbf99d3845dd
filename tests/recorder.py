"""Runs a module under a profiler that notes when each watched function is entered, by the machine's monotonic clock.

``python -m tests.recorder LOG NAME,NAME… MODULE [ARGUMENT…]``: a name is a function's qualified name without its module
(``Outbox.send_first``). Lines of the log are ``nanoseconds name``, so that logs of several processes can be merged.
"""

import os
import runpy
import sys
import threading
import time
from types import CodeType, FrameType
from typing import Any

OURS = ("miss_app", "miss_server", "miss_protocol")


def watch(log: str, names: set[str]) -> None:
    """Note every call of these functions in this process, whatever the thread, from now on."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    known: dict[CodeType, str] = {}

    def called(frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call":
            return
        code = frame.f_code
        name = known.get(code)
        if name is None:
            wanted = code.co_qualname in names and any(f"/{one}/" in code.co_filename for one in OURS)
            name = known[code] = code.co_qualname if wanted else ""
        if name:
            os.write(descriptor, f"{time.monotonic_ns()} {name}\n".encode())

    threading.setprofile(called)
    sys.setprofile(called)


def main() -> None:
    log, names, module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    watch(log, set(names.split(",")))
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
