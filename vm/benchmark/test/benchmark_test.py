#!/usr/bin/env python3
# bpftime-vm: runs the built vm_benchmark: its contenders, its command line, its machine-readable outputs
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
"""usage: benchmark_test.py VM_BENCHMARK CRASHING_UBPF LIBRARY [unittest arguments]

VM_BENCHMARK is the program to test, CRASHING_UBPF the library of crashing_ubpf.c, LIBRARY another library with the API
of ebpf-vm.h, or "-" where none can be loaded.
"""

import csv
import io
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

BENCHMARK = CRASHING_UBPF = LIBRARY = None


def run(*arguments, programs="call_leaf"):
    """Measures `programs` for no longer than it takes."""
    command = [BENCHMARK, f"--benchmark_filter=^run/({programs})/", "--benchmark_min_time=0", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def ubpf_contenders():
    """The light backend's, sorted: with its JIT, where there is one."""
    listed = run("--vm=ubpf", "--benchmark_list_tests").stdout.split()
    return sorted(name.split("/")[2] for name in listed if name.split("/")[2].startswith("ubpf"))


def rows_of(result):
    return list(csv.DictReader(io.StringIO(result.stdout), strict=True))


class Tables(unittest.TestCase):
    def test_text_ends_with_the_means(self):
        result = run("--compare", "--vm=ubpf")
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stdout.splitlines()
        self.assertRegex(lines[-2], rf"^geometric mean( +[0-9.]+x){{{len(ubpf_contenders())}}}$")
        self.assertRegex(lines[-1], rf"^of programs +1( +1){{{len(ubpf_contenders())}}}$")

    def test_csv_is_all_that_stdout_gets(self):
        result = run("--compare=csv", "--vm=ubpf", programs="call_leaf|call_chain")
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = rows_of(result)
        self.assertEqual(
            [(row["program"], row["contender"]) for row in rows],
            [(program, vm) for program in ("call_chain", "call_leaf") for vm in ubpf_contenders()],
        )
        for row in rows:
            ratio = float(row["nanoseconds"]) / float(row["native_nanoseconds"])
            self.assertAlmostEqual(float(row["ratio"]) / ratio, 1, places=3)
            self.assertEqual((row["note"], row["error"]), ("", ""))

    def test_json_is_all_that_stdout_gets(self):
        result = run("--compare=json", "--vm=ubpf", programs="call_leaf|call_chain")
        self.assertEqual(result.returncode, 0, result.stderr)
        table = json.loads(result.stdout)
        self.assertEqual([row["program"] for row in table["programs"]], ["call_chain", "call_leaf"])
        for row in table["programs"]:
            for cell in row["contenders"].values():
                self.assertAlmostEqual(cell["nanoseconds"] / row["native_nanoseconds"] / cell["ratio"], 1, places=3)
        self.assertEqual({name: mean["programs"] for name, mean in table["geometric_means"].items()},
                         {name: 2 for name in ubpf_contenders()})

    def test_nothing_measured_is_an_empty_table(self):
        result = run("--compare=json", "--vm=ubpf", programs="no_such_program")
        self.assertEqual(json.loads(result.stdout), {"programs": [], "geometric_means": {}})
        self.assertEqual(rows_of(run("--compare=csv", "--vm=ubpf", programs="no_such_program")), [])

    def test_unknown_format_is_refused(self):
        result = run("--compare=xml")
        self.assertEqual((result.returncode, result.stderr), (1, "vm_benchmark: --compare is text, csv or json\n"))


class GoogleBenchmarkFiles(unittest.TestCase):
    """--benchmark_out and --benchmark_out_format."""

    def measured_to_file(self, form):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "out"
            result = run("--vm=ubpf", f"--benchmark_out={file}", f"--benchmark_out_format={form}")
            self.assertEqual(result.returncode, 0, result.stderr)
            return file.read_text()

    def test_json(self):
        names = {measured["name"] for measured in json.loads(self.measured_to_file("json"))["benchmarks"]}
        self.assertEqual(names, {f"run/call_leaf/{c}" for c in ("native-o2", "native-o3", *ubpf_contenders())})

    def test_csv(self):
        text = self.measured_to_file("csv")
        rows = list(csv.DictReader(io.StringIO(text[text.index("name,") :]), strict=True))
        self.assertEqual(len(rows), 2 + len(ubpf_contenders()))
        for row in rows:
            self.assertGreater(float(row["real_time"]), 0)


class Kernel(unittest.TestCase):
    def measure(self, programs):
        result = run("--vm=kernel", "--compare=csv", programs=programs)
        self.assertEqual(result.returncode, 0, result.stderr)
        absent = re.search("^vm_benchmark: the kernel is not measured: .+$", result.stderr, re.MULTILINE)
        if absent:
            self.assertEqual(rows_of(result), [])
            self.skipTest(absent.group())
        return {row["program"]: row for row in rows_of(result)}

    def test_answers(self):
        for row in self.measure("call_leaf|chacha20").values():
            self.assertGreater(float(row["ratio"]), 0)

    def test_refusals_have_a_reason_and_are_no_failure(self):
        # Its recursion is one that no verifier accepts.
        row = self.measure("call_fibonacci")["call_fibonacci"]
        self.assertRegex(row["error"], "^refused by the verifier: .*[a-z]")
        self.assertEqual((row["nanoseconds"], row["ratio"]), ("", ""))


class Libraries(unittest.TestCase):
    def refused(self, *arguments):
        result = run(*arguments)
        self.assertEqual(result.returncode, 1)
        return result.stderr.removeprefix("vm_benchmark: ").removesuffix("\n")

    def test_another_library_has_the_same_answers(self):
        if LIBRARY == "-":
            self.skipTest("static builds have no library to load, sanitizers do not load it twice")
        result = run("--vm=ubpf", f"--library={LIBRARY},vm=ubpf,as=twin", "--compare=csv")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual([row["contender"] for row in rows_of(result)],
                         [prefix + name for prefix in ("twin:", "") for name in ubpf_contenders()])
        self.assertEqual({row["error"] for row in rows_of(result)}, {""})

    def test_libraries_are_named_after_their_files(self):
        if LIBRARY == "-":
            self.skipTest("static builds have no library to load, sanitizers do not load it twice")
        result = run(f"--library={LIBRARY}", "--vm=no_such_backend", "--compare=csv")
        self.assertIn("libbpftime-vm:ubpf", [row["contender"] for row in rows_of(result)])

    def test_names_must_differ(self):
        if LIBRARY == "-":
            self.skipTest("static builds have no library to load, sanitizers do not load it twice")
        one = f"--library={LIBRARY},vm=ubpf"
        self.assertEqual(self.refused(one, one),
                         "two contenders are called libbpftime-vm:ubpf: name one library with ,as=NAME")

    def test_missing_file(self):
        self.assertEqual(self.refused("--library=/no/such.so"),
                         "/no/such.so: cannot open shared object file: No such file or directory")

    def test_missing_path(self):
        self.assertEqual(self.refused("--library=,vm=llvm"), "a library needs a path: PATH[,vm=NAME][,as=NAME]")

    def test_library_without_the_api(self):
        self.assertEqual(self.refused(f"--library={CRASHING_UBPF}"), f"{CRASHING_UBPF} does not export ebpf_create")

    def test_wrong_answers_and_crashes_are_failures(self):
        result = run(f"--ubpf={CRASHING_UBPF},as=bad", "--vm=ubpf", "--compare=csv")
        self.assertEqual(result.returncode, 1)
        errors = {row["contender"]: row["error"] for row in rows_of(result)}
        self.assertEqual(errors["bad:jit"], "crashed: Aborted")
        for interpreter in ("bad:interpreter", "bad:interpreter-unchecked"):
            self.assertEqual(errors[interpreter], "r0 is 0x1, not 0x138158ecca8b23b0")
        self.assertEqual(errors["ubpf"], "")


class CommandLine(unittest.TestCase):
    def test_unknown_backend(self):
        result = run("--vm=no_such_backend")
        self.assertEqual((result.returncode, result.stderr), (1, "vm_benchmark: no backend of these names\n"))

    def test_unknown_option_lists_ours(self):
        result = run("--no-such-option")
        self.assertEqual(result.returncode, 1)
        for option in ("--compare[=text|csv|json]", "--isa=v3|v4", "--vm=NAME", "--library=PATH", "--ubpf=PATH"):
            self.assertIn(option, result.stderr)


if __name__ == "__main__":
    BENCHMARK, CRASHING_UBPF, LIBRARY = sys.argv[1:4]
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
