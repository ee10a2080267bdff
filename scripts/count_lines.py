#!/usr/bin/env python3
# bpftime-vm: adds up which lines have run, file by file
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
"""usage: count_lines.py BUILD_FOLDER FOLDER...

Reads what a build with --coverage has left (gcov) and prints, for each source file in the folders, how many of its lines
have run and which have not, and the share of each folder.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys


def lines_of(build):
    """Of each source file its lines, and how often each has run, in any program or instance of a template."""
    counts = collections.defaultdict(lambda: collections.defaultdict(int))
    for notes in sorted(build.rglob("*.gcda")):
        command = ["gcov", "--json-format", "--stdout", notes.name]
        text = subprocess.run(command, cwd=notes.parent, check=True, capture_output=True, text=True).stdout
        for report in map(json.loads, text.splitlines()):
            folder = pathlib.Path(report["current_working_directory"])
            for file in report["files"]:
                name = os.path.relpath(os.path.normpath(folder / file["file"]))
                for line in file["lines"]:
                    counts[name][line["line_number"]] += line["count"]
    return counts


def as_ranges(numbers):
    """'3-5 9' for 3, 4, 5 and 9."""
    ranges = []
    for n in numbers:
        if ranges and ranges[-1][1] == n - 1:
            ranges[-1][1] = n
        else:
            ranges.append([n, n])
    return " ".join(f"{a}-{b}" if a != b else str(a) for a, b in ranges)


def main(build, folders):
    counts = lines_of(pathlib.Path(build))
    for folder in folders:
        ran = total = 0
        for name in sorted(n for n in counts if n.startswith(folder + "/")):
            missed = [n for n, count in sorted(counts[name].items()) if count == 0]
            ran += len(counts[name]) - len(missed)
            total += len(counts[name])
            print(f"{name}: {len(counts[name]) - len(missed)} of {len(counts[name])}; not: {as_ranges(missed) or 'none'}")
        print(f"{folder}: {100 * ran / max(total, 1):.1f} % of {total} lines")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
