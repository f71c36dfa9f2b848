#!/usr/bin/env python3
"""Seeks rows by keys with dissect.database.

usage: seek.py FILE TABLE INDEX KEYS

KEYS has one key a line, in hexadecimal. Prints `seeks=N found=N seconds=N`.
"""
import sys
import time


def main():
    from dissect.database.ese import ESE
    path, name, index, keys = sys.argv[1:]
    with open(keys) as file:
        keys = [bytes.fromhex(line) for line in file]
    table = ESE(open(path, "rb")).table(name)
    cursor = table.index(index).cursor()
    found = 0
    started = time.monotonic()
    for key in keys:
        cursor.reset()
        record = cursor.search_key(key)
        found += record is None or bool(cursor.record()._node.data)
    print(f"seeks={len(keys)} found={found} seconds={time.monotonic() - started:.6f}")


if __name__ == "__main__":
    main()
