#!/usr/bin/env python3
"""Runs a command and prints what it took, as the kernel counted it.

usage: measure.py [--cold FILE] OUTPUT COMMAND [ARGUMENT...]

The command's standard output goes to OUTPUT. Prints one line, `wall=SECONDS cpu=SECONDS
peak_kib=N`, and ends with the command's exit code. With --cold the kernel first forgets what it
has of FILE in memory.

The kernel's own peak of a child begins with the memory of whoever started it, so a peak below
that of this script is taken from /proc instead.
"""
import os
import resource
import sys
import time


def forget(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def peak_kib(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def main():
    arguments = sys.argv[1:]
    if arguments[0] == "--cold":
        forget(arguments[1])
        arguments = arguments[2:]
    output = os.open(arguments[0], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    command = arguments[1:]
    actions = [(os.POSIX_SPAWN_DUP2, output, 1)]
    started = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    peak = 0
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        peak = max(peak, peak_kib(pid))
        time.sleep(0.002)
    wall = time.monotonic() - started
    _, status, usage = os.wait4(pid, 0)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if usage.ru_maxrss > own:
        peak = usage.ru_maxrss
    cpu = usage.ru_utime + usage.ru_stime
    print(f"wall={wall:.6f} cpu={cpu:.6f} peak_kib={peak}")
    return os.waitstatus_to_exitcode(status) & 0xFF


if __name__ == "__main__":
    sys.exit(main())
