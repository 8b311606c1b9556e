"""Programs that touch foreign bytes, each in a session of its own and killed as a group.

Run as a script, this file puts limits on its own process and then becomes the program it is given:
the limits are set between fork and exec without code of ours running in a copy of a threaded
process.
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

_TICK_S = 0.5
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


class OutOfTimeError(Exception):
    """The program did not end in time."""


def limited(argv: Sequence[str], *, memory_mb: int, cpu_s: int, file_mb: int) -> list[str]:
    """Return the command that runs ``argv`` with these limits on each of its processes."""
    numbers = (str(one) for one in (memory_mb, cpu_s, file_mb))
    return [sys.executable, "-I", "-S", "-B", __file__, *numbers, *argv]


@contextmanager
def started(
    argv: Sequence[str], env: dict[str, str], *, stderr: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """Start ``argv`` in a new session; on the way out, end it and whatever it has started."""
    with subprocess.Popen(  # noqa: S603 a list of arguments, never a shell
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
        env=env,
    ) as child:
        try:
            yield child
        finally:
            _kill_group(child)


def output(child: subprocess.Popen[bytes], wall_s: float) -> Iterator[bytes]:
    """Yield what the program prints until it ends; ``b""`` at least twice a second meanwhile.

    Raises:
        OutOfTimeError: it has not ended after ``wall_s`` seconds.
    """
    assert child.stdout is not None  # noqa: S101 a pipe, see started()
    deadline = time.monotonic() + wall_s
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if not selector.select(min(left, _TICK_S)):
                yield b""
                continue
            chunk = os.read(child.stdout.fileno(), 1 << 16)
            if chunk:
                yield chunk
                continue
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=max(0.1, left))
                return
    raise OutOfTimeError(f"{wall_s:.0f} s")


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started; harmless when it has ended by itself."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):  # already gone
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()


def _limit(memory_mb: int, cpu_s: int, file_mb: int) -> None:
    """Ask the kernel to hold us to the limits and to end us with our parent, where it can."""
    try:
        import resource  # noqa: PLC0415 there is none on Windows
    except ImportError:
        return
    for kind, most in (
        (resource.RLIMIT_AS, memory_mb << 20),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, file_mb << 20),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # macOS has no RLIMIT_AS
            resource.setrlimit(kind, (most, most))
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 for this one call

        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def main() -> None:
    """Take on the limits that come first on the command line and become the program after them."""
    memory_mb, cpu_s, file_mb, *argv = sys.argv[1:]
    _limit(int(memory_mb), int(cpu_s), int(file_mb))
    os.execvp(argv[0], argv)  # noqa: S606 the program that limited() was asked to run


if __name__ == "__main__":
    main()
