#!/usr/bin/env python3
# bpftime-vm: a corpus of eBPF objects: takes them out of packages, compares them with the kernel
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
"""Collects eBPF objects and compares their programs with the running kernel.

usage: corpus.py debian FOLDER [PACKAGE...]   adds the objects of Debian packages
       corpus.py add FOLDER SOURCE PATH...    adds objects that you have: files, or folders of them
       corpus.py run FOLDER TOOL [MANIFEST]   compares all of them by kernel_differential
       corpus.py check FOLDER TOOL            the same; fails if a program does not do what it should
       corpus.py load FOLDER TOOL             loads all of them, here and into the kernel

A corpus is a folder with a folder of objects for each source. Objects that programs hold are found
by their ELF header. `run` writes a row for each unique program to MANIFEST that runs on packets and
that the kernel takes, and figures for all programs to stdout. `check` compares with the manifest of
this folder: programs that agreed agree, unless the kernel does not agree with itself, and no other
program differs. `load` writes how many programs of each type load, and what is missing for the
others.
"""

import collections
import concurrent.futures
import csv
import hashlib
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
MANIFEST = HERE / "manifest.csv"
KNOWN_DIFFERENCES = HERE / "known_differences.csv"

DEBIAN_PACKAGES = ["xdp-tools", "libxdp1", "xdp-tests", "libknot13", "libbpf-tools"]

PACKET_TYPES = {"xdp", "sched_cls", "sched_act", "socket_filter", "cgroup_skb", "lwt_in", "lwt_out", "lwt_xmit"}

COLUMNS = ["source", "object", "sha256", "program", "section", "type", "identity", "instructions", "outcome", "detail",
           "kernel_loader", "verdicts", "verdicts_with_filled_maps"]

ELF_MAGIC = b"\x7fELF\x02\x01\x01"  # 64 bits, little-endian
MACHINE_BPF = 247
OBJECT_TYPE = 1
LIMIT_S = 300


def object_size(data, at):
    """Bytes of the eBPF object that begins at `at`; 0: none does."""
    header = data[at:at + 64]
    if len(header) < 64 or not header.startswith(ELF_MAGIC):
        return 0
    kind, machine = struct.unpack_from("<HH", header, 16)
    sections, = struct.unpack_from("<Q", header, 40)
    entry_size, count = struct.unpack_from("<HH", header, 58)
    if (kind, machine, entry_size) != (OBJECT_TYPE, MACHINE_BPF, 64) or at + sections + count * 64 > len(data):
        return 0
    end = sections + count * 64
    for i in range(count):
        section_type, = struct.unpack_from("<I", data, at + sections + i * 64 + 4)
        offset, size = struct.unpack_from("<QQ", data, at + sections + i * 64 + 24)
        if section_type != 8:  # .bss has no bytes
            end = max(end, offset + size)
    return end if at + end <= len(data) else 0


def objects_in(data):
    """All eBPF objects in the bytes."""
    at = data.find(ELF_MAGIC)
    while at >= 0:
        size = object_size(data, at)
        if size:
            yield data[at:at + size]
        at = data.find(ELF_MAGIC, at + max(size, 1))


def files_below(path):
    return sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink()) if path.is_dir() else [path]


def add(corpus, source, paths):
    """Copies the objects in the files; how many."""
    folder = corpus / source
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for path in paths:
        for file in files_below(path):
            found = list(objects_in(file.read_bytes()))
            for i, data in enumerate(found):
                suffix = "" if len(found) == 1 else f".{i}"
                name = str(file.relative_to(path) if path.is_dir() else file.name).replace("/", "__")
                (folder / f"{name.removesuffix('.o')}{suffix}.o").write_bytes(data)
                count += 1
    return count


def add_debian(corpus, packages):
    for package in packages or DEBIAN_PACKAGES:
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=True)
            deb = next(folder.glob("*.deb"))
            subprocess.run(["dpkg-deb", "-x", deb, folder / "content"], check=True)
            print(f"{package}: {add(corpus, f'debian-{package}', [folder / 'content'])} objects")


def compare(tool, path, *options):
    """A dictionary for each program of the object. A process for each, so that none takes others down."""
    try:
        run = subprocess.run([tool, *options, path], capture_output=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired as e:
        return parse(e.stdout or b""), "took too long"
    if run.returncode == 3:
        sys.exit(run.stderr.decode())
    why = "" if run.returncode == 0 else f"status {run.returncode}: {run.stderr.decode(errors='replace').strip()}"
    return parse(run.stdout), why


def parse(output):
    rows = []
    for line in output.decode().splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            pass  # cut off
    return rows


def verdict_text(verdicts):
    return " ".join("-" if v is None else f"{v:#x}" for v in verdicts)


def row_of(source, path, digest, p, known):
    """A row of the manifest, and whether our engines take the program."""
    outcome, detail = p["outcome"], p["detail"]
    if outcome == "differ" and p["identity"] in known:
        outcome, detail = "excluded", known[p["identity"]]
    return {"source": source.replace("+", "/"), "object": path.name, "sha256": digest, "program": p["program"],
            "section": p["section"], "type": p["type"], "identity": p["identity"],
            "instructions": p["instructions"], "outcome": outcome, "detail": detail[:200],
            "kernel_loader": p["loader"], "verdicts": verdict_text(p["verdicts"]),
            "verdicts_with_filled_maps": verdict_text(p["verdicts_filled"]), "loads": not p["not_loaded"]}


def objects_of(corpus):
    """The source, path and digest of each object, once."""
    seen = set()
    for folder in sorted(p for p in corpus.iterdir() if p.is_dir()):
        for path in sorted(folder.glob("*.o")):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if digest not in seen:
                seen.add(digest)
                yield folder.name, path, digest


def read_known():
    with open(KNOWN_DIFFERENCES, newline="") as file:
        return {row["identity"]: row["reason"] for row in csv.DictReader(file)}


def unique_programs(corpus, tool, failures, *options):
    """Each unique program with the source, path and digest of its object. Adds a text to `failures`
    for each object that gave no answer."""
    seen = set()
    objects = list(objects_of(corpus))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = pool.map(lambda o: compare(tool, o[1], *options), objects)
        for (source, path, digest), (programs, why) in zip(objects, answers):
            if why:
                failures.append(f"{source}/{path.name}: {why}")
            for p in programs:
                identity = p["identity"] if p["instructions"] else f"{digest} {p['program']}"
                if identity not in seen:
                    seen.add(identity)
                    yield source, path, digest, p


def compare_all(corpus, tool):
    """A row for each unique program, and a text for each object that gave no answer."""
    failures, known = [], read_known()
    return [row_of(*found, known) for found in unique_programs(corpus, tool, failures)], failures


def run(corpus, tool, manifest):
    rows, failures = compare_all(corpus, tool)
    if manifest:
        with open(manifest, "w", newline="") as out:
            writer = csv.DictWriter(out, COLUMNS, lineterminator="\n", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(r for r in rows if r["type"] in PACKET_TYPES and r["kernel_loader"])
    report(rows, failures)


def check(corpus, tool):
    """What is wrong, in words."""
    rows, failures = compare_all(corpus, tool)
    with open(MANIFEST, newline="") as file:
        agreed = {row["identity"] for row in csv.DictReader(file) if row["outcome"] == "agree"}
    wrong = [f"{r['source']}/{r['object']}: {r['program']}: {r['outcome']}: {r['detail']}" for r in rows
             if r["outcome"] == "differ" or (r["identity"] in agreed and r["outcome"] not in ("agree", "not deterministic"))]
    report(rows, failures)
    return wrong


LISTS_OF_MISSING = [(r"helper \d+ \((\w+)\)", "helper"), (r"map '[^']*' of type (\w+)", "map type")]
EXTERNAL = r"external (function|variable)s? ((?:'\w+'(?:, )?)+)"


def missing_in(text):
    """What the program misses, in words that are the same for others that miss it."""
    found = {f"{kind} {name}" for pattern, kind in LISTS_OF_MISSING for name in re.findall(pattern, text)}
    for kind, names in re.findall(EXTERNAL, text):
        found |= {f"external {kind} {name}" for name in re.findall(r"'(\w+)'", names)}
    return found or {re.sub(r"'[^']*'|`[^`]*`|\d+", "_", text)[:100]}


def load(corpus, tool):
    failures, types, missing = [], collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter)
    for source, path, _, p in unique_programs(corpus, tool, failures, "--load"):
        here, there = not p["not_loaded"], bool(p["loader"])
        for name in (p["type"], "all"):
            types[name].update({"programs": 1, "load": int(here), "kernel takes": int(there),
                                "of these load": int(here and there)})
        if not here:
            found = missing_in(p["not_loaded"])
            for what in found:
                missing[what].update({"programs": 1, "it alone": int(len(found) == 1), "kernel takes": int(there)})
                missing[what].setdefault("example", f"{source}/{path.name}: {p['program']}")
    print_table("type", types, ["programs", "load", "kernel takes", "of these load"])
    print_table("what is missing", missing, ["programs", "it alone", "kernel takes", "example"])
    for failure in failures:
        print(f"no answer from {failure}")


def print_table(title, rows, columns):
    print("\t".join([title, *columns]))
    for name, counts in sorted(rows.items(), key=lambda row: -row[1]["programs"]):
        print("\t".join([name, *(str(counts[c]) for c in columns)]))
    print()


def report(rows, failures):
    sources = collections.defaultdict(collections.Counter)
    for r in rows:
        on_packets = r["type"] in PACKET_TYPES
        for name in (r["source"], "all"):
            counts = sources[name]
            counts["programs"] += 1
            counts["loaded"] += r["loads"]
            counts["on packets"] += on_packets
            counts["kernel takes"] += bool(r["kernel_loader"])
            counts["both take"] += bool(r["kernel_loader"]) and r["loads"]
            if on_packets:
                counts[r["outcome"]] += 1
    columns = ["programs", "loaded", "on packets", "kernel takes", "both take", "agree", "differ", "excluded",
               "not deterministic", "not in kernel", "not loaded"]
    print("source\t" + "\t".join(columns))
    for name, counts in sources.items():
        print(name + "\t" + "\t".join(str(counts[c]) for c in columns))
    for failure in failures:
        print(f"no answer from {failure}")


def main(arguments):
    match arguments:
        case ["debian", folder, *packages]:
            add_debian(pathlib.Path(folder), packages)
        case ["add", folder, source, *paths] if paths:
            print(f"{source}: {add(pathlib.Path(folder), source, [pathlib.Path(p) for p in paths])} objects")
        case ["run", folder, tool, *manifest] if len(manifest) < 2:
            run(pathlib.Path(folder), tool, manifest[0] if manifest else None)
        case ["load", folder, tool]:
            load(pathlib.Path(folder), tool)
        case ["check", folder, tool]:
            sys.exit("\n".join(check(pathlib.Path(folder), tool)) or 0)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
