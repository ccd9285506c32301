"""Limits of this machine that a level may run into, checked before the first request."""

from __future__ import annotations

from tailrace.errors import UsageError

SPARE_FILES = 64
"""Open files besides the connections: journals, the event loop's own, Python's."""


def require_open_files(users: int) -> None:
    """Raise this process's soft limit on open files if need be, or say what stands in the way.

    Raises UsageError when the hard limit is too low. Windows has no such limit for sockets.
    """
    try:
        import resource
    except ImportError:
        return
    needed = users + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise UsageError(
            f"{users} users need {needed} open files and this shell's hard limit "
            f"(RLIMIT_NOFILE) is {hard}; raise it with 'ulimit -Hn {needed}' as root, or in "
            "/etc/security/limits.conf ('nofile')"
        )
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    except (ValueError, OSError):  # macOS says "unlimited" and means kern.maxfilesperproc
        raise UsageError(
            f"{users} users need {needed} open files, and this system does not allow that many to "
            f"a process; raise it with 'ulimit -n {needed}' (macOS: 'sudo sysctl -w "
            f"kern.maxfilesperproc={needed}')"
        ) from None
