#!/usr/bin/env python3
# bpftime-vm: runs the built bpftime-cli over right and wrong command lines
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
"""usage: cli_test.py BPFTIME_CLI VM_FOLDER [unittest arguments]

BPFTIME_CLI is the program to test, VM_FOLDER the folder vm/ of the sources.
"""

import json
import os
import pathlib
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

CLI = None
VM = None

OK, USAGE, BAD_INPUT, FAULT, UNSUPPORTED, IO = range(6)

RETURN_42 = "mov %r0, 42\nexit\n"
LENGTH = "mov %r0, %r2\nexit\n"
OUT_OF_BOUNDS = "ldxb %r0, [%r1+100]\nexit\n"
ENDLESS = "again: add %r0, 1\nja again\n"

# Returns the packet's first byte and increments its second.
XDP = """
ldxw %r2, [%r1]
ldxb %r5, [%r2+1]
add %r5, 1
stxb [%r2+1], %r5
ldxb %r0, [%r2]
exit
"""

XDP_C = """
#include <linux/bpf.h>
#include <asm/types.h>
#include <bpf/bpf_helpers.h>
static __attribute__((noinline)) int judge(unsigned char *p, unsigned char *end) {
    return p + 1 > end ? XDP_DROP : *p;
}
SEC("xdp") int by_first_byte(struct xdp_md *ctx) {
    return judge((void *)(long)ctx->data, (void *)(long)ctx->data_end);
}
"""

MANY_C = """
#define SEC(name) __attribute__((section(name), used))
struct { int (*type)[1]; } sessions SEC(".maps");
int counter;
SEC("xdp") int first(void *ctx) { return 1; }
SEC("xdp") int second(void *ctx) { return 2; }
SEC("tc") int third(void *ctx) { return 3; }
SEC("socket") int with_map(void *ctx) { return ((long (*)(void *))1)(&sessions) != 0; }
SEC("socket") int with_data(void *ctx) { return ++counter; }
"""

# Counts IPv4 packets by protocol and by flow; drops those of blocked senders, which it reports, and those over the limit.
COUNT_C = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
struct ipv4 { __u8 mac[14]; __u8 head[9]; __u8 protocol; __u8 sum[2]; __u32 from, to; } __attribute__((packed));
struct flow { __u32 from, to; };
struct tally { __u64 packets, bytes; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 256); __type(key, __u32); __type(value, __u64); } protocols SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, struct flow); __type(value, struct tally); } flows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, __u8); } blocked SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } bytes SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
const volatile __u32 limit = 1000;
__u64 over;
char _license[] SEC("license") = "GPL";
SEC("xdp") int count(struct xdp_md *ctx) {
    struct ipv4 *ip = (void *)(long)ctx->data;
    __u64 size = ctx->data_end - ctx->data;
    if ((long)(ip + 1) > ctx->data_end) return XDP_PASS;
    __u32 protocol = ip->protocol, zero = 0;
    __u64 *seen = bpf_map_lookup_elem(&protocols, &protocol);
    if (seen) __sync_fetch_and_add(seen, 1);
    struct flow flow = {bpf_ntohl(ip->from), bpf_ntohl(ip->to)};
    struct tally *tally = bpf_map_lookup_elem(&flows, &flow), first = {1, size};
    if (tally) { tally->packets++; tally->bytes += size; }
    else bpf_map_update_elem(&flows, &flow, &first, BPF_NOEXIST);
    __u64 *sum = bpf_map_lookup_elem(&bytes, &zero);
    if (sum) *sum += size;
    if (bpf_map_lookup_elem(&blocked, &flow.from)) {
        bpf_ringbuf_output(&events, &flow, sizeof flow, 0);
        return XDP_DROP;
    }
    if (size > limit) { over++; return XDP_DROP; }
    return XDP_PASS;
}
"""


# Returns what variables and an entry of a map have been set to.
SETTINGS_C = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
enum mode { MODE_OFF, MODE_ON = 7 };
struct inner { __u16 ports[4]; enum mode mode; };
struct config { __u32 limit; union { __u8 low; __u16 all; }; _Bool on; char name[8]; struct inner inner; __u32 bit : 3; };
struct key { __u32 a, b; };
struct config config = {.limit = 1};
int list[4];
_Bool flag;
enum mode mode;
char text[8] = "abc";
__u8 mac[6];
extern int CONFIG_HZ __kconfig;
extern _Bool CONFIG_BPF_SYSCALL __kconfig __weak;
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, struct key); __type(value, struct inner); } hash SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, char[8]); __type(value, enum mode); } modes SEC(".maps");
SEC("xdp") int p(struct xdp_md *ctx) {
    static int counter;
    struct key k = {1, 2};
    struct inner *i = bpf_map_lookup_elem(&hash, &k);
    enum mode *m = bpf_map_lookup_elem(&modes, text);
    counter++;
    return CONFIG_HZ + CONFIG_BPF_SYSCALL * 500 + (i ? i->mode : 0) + (m ? *m : 0) + config.limit + list[0] + flag + mode + mac[0];
}
"""

# Programs that judge packets one after the other: by the first byte, and each changes the second one.
CHAIN_C = """
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_DEVMAP); __uint(max_entries, 4); __type(key, __u32); __type(value, __u32); } ports SEC(".maps");
#define PACKET(ctx) __u8 *p = (void *)(long)ctx->data; if (p + 2 > (__u8 *)(long)ctx->data_end) return 0
SEC("xdp") int first(struct xdp_md *ctx) {
    PACKET(ctx);
    p[1] += 1;
    switch (p[0]) {
    case 1: return XDP_DROP;
    case 3: return XDP_TX;
    case 4: return bpf_redirect_map(&ports, p[1], XDP_DROP);
    case 5: return bpf_redirect(7, 0);
    case 6: return bpf_redirect_map(&ports, 0, BPF_F_BROADCAST);
    case 7: return XDP_REDIRECT;
    }
    bpf_printk("first %d", p[1]);
    return XDP_PASS;
}
SEC("xdp") int longer(struct xdp_md *ctx) {
    if (bpf_xdp_adjust_head(ctx, -2)) return XDP_ABORTED;
    PACKET(ctx);
    p[0] = p[2];
    p[1] = p[3] + 10;
    return p[0] == 8 ? XDP_DROP : XDP_PASS;
}
SEC("tc") int last(struct __sk_buff *skb) {
    PACKET(skb);
    p[1] += 100;
    if (p[0] == 9) return TC_ACT_SHOT;
    if (p[0] == 10) return bpf_redirect(3, BPF_F_INGRESS);
    if (p[0] == 11) bpf_clone_redirect(skb, 1, 0);
    return skb->len == 18 ? TC_ACT_OK : TC_ACT_UNSPEC;
}
char _license[] SEC("license") = "GPL";
"""

# Programs that change where the packet begins or ends, each in its own way, and others that tell how long it is.
MOVING_C = """
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#define TC(name, what) SEC("tc") int name(struct __sk_buff *skb) { return what ? TC_ACT_SHOT : TC_ACT_OK; }
#define LWT(name, what) SEC("lwt_xmit") int name(struct __sk_buff *skb) { return what ? BPF_DROP : BPF_OK; }
TC(head, bpf_skb_change_head(skb, 14, 0))
TC(tail, bpf_skb_change_tail(skb, skb->len - 6, 0))
TC(longer_tail, bpf_skb_change_tail(skb, skb->len + 6, 0))
TC(room, bpf_skb_adjust_room(skb, 8, BPF_ADJ_ROOM_MAC, 0))
TC(less_room, bpf_skb_adjust_room(skb, -8, BPF_ADJ_ROOM_MAC, 0))
TC(encap, bpf_skb_adjust_room(skb, 20, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4))
TC(proto, bpf_skb_change_proto(skb, bpf_htons(0x86dd), 0))
TC(tags, bpf_skb_vlan_push(skb, bpf_htons(0x8100), 5) || bpf_skb_vlan_push(skb, bpf_htons(0x8100), 6))
LWT(network_head, bpf_skb_change_head(skb, 14, 0))
LWT(network_tail, bpf_skb_change_tail(skb, skb->len - 3, 0))
LWT(encap_ip6, ({ char header[40] = {0x60, [6] = 41}; bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, header, sizeof header); }))
SEC("cgroup_skb/egress") int none(struct __sk_buff *skb) { return 1; }
SEC("tc") int tc_length(struct __sk_buff *skb) { bpf_printk("tc %d", skb->len); return TC_ACT_OK; }
SEC("action") int action_length(struct __sk_buff *skb) { bpf_printk("action %d", skb->len); return TC_ACT_OK; }
SEC("xdp") int xdp_length(struct xdp_md *ctx) { bpf_printk("xdp %d", (int)(ctx->data_end - ctx->data)); return XDP_PASS; }
SEC("cgroup_skb/egress") int cgroup_length(struct __sk_buff *skb) { bpf_printk("cgroup %d", skb->len); return 1; }
char _license[] SEC("license") = "GPL";
"""


def frame(head, size=16):
    """An Ethernet frame that begins with these bytes."""
    return head + bytes(size - len(head))


def pcap(packets, magic=0xA1B2C3D4, link_type=1, wire_lengths=None):
    """A capture file; packet i was captured at i seconds and i fractions."""
    out = struct.pack("<IHHiIII", magic, 2, 4, 0, 0, 65535, link_type)
    for i, packet in enumerate(packets):
        wire = wire_lengths[i] if wire_lengths else len(packet)
        out += struct.pack("<IIII", i, i, len(packet), wire) + packet
    return out


def pcapng(packets):
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        size = len(body) + 12
        return struct.pack("<II", kind, size) + body + struct.pack("<I", size)

    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    out += block(1, struct.pack("<HHI", 1, 0, 65535))
    for packet in packets:
        out += block(6, struct.pack("<IIIII", 0, 0, 1000, len(packet), len(packet)) + packet)
    return out


def packets_of(capture):
    """The packets of a little-endian .pcap."""
    position, packets = 24, []
    while position < len(capture):
        (length,) = struct.unpack_from("<I", capture, position + 8)
        packets.append(capture[position + 16 : position + 16 + length])
        position += 16 + length
    return packets


class Result:
    def __init__(self, process):
        self.code = process.returncode
        self.raw = process.stdout
        self.out = process.stdout.decode(errors="replace")
        self.err = process.stderr.decode(errors="replace")

    @property
    def json(self):
        return json.loads(self.out)


def environment(extra):
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "BPFTIME_LOG_LEVEL", "BPFTIME_VM_CLANG")}
    return {**env, **(extra or {})}


class CliTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bpftime-cli-test-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, name, contents):
        path = self.folder / name
        path.write_bytes(contents.encode() if isinstance(contents, str) else contents)
        return str(path)

    def cli(self, *arguments, stdin=b"", env=None):
        stdin = stdin.encode() if isinstance(stdin, str) else stdin
        process = subprocess.run([CLI, *map(str, arguments)], input=stdin, capture_output=True,
                                 cwd=self.folder, env=environment(env))
        self.assertGreaterEqual(process.returncode, 0, f"died of a signal: {arguments}\n{process.stderr.decode()}")
        return Result(process)

    def on_terminal(self, *arguments, env=None):
        """Exit code, and what a terminal that is both stdout and stderr shows."""
        main, terminal = pty.openpty()
        process = subprocess.Popen([CLI, *map(str, arguments)], stdin=terminal, stdout=terminal, stderr=terminal,
                                   cwd=self.folder, env=environment({"TERM": "xterm", **(env or {})}))
        os.close(terminal)
        shown = b""
        while True:
            try:
                chunk = os.read(main, 4096)
            except OSError:
                break
            if not chunk:
                break
            shown += chunk
        os.close(main)
        return process.wait(), shown.decode()

    def assert_ends(self, result, code, err=None, out=None):
        """Checks exit code, a regular expression for stderr (none: nothing, if all is well) and, if given, stdout."""
        self.assertEqual(result.code, code, f"stdout: {result.out}\nstderr: {result.err}")
        if err is not None:
            self.assertRegex(result.err, err)
        elif code == OK:
            self.assertEqual(result.err, "")
        if out is not None:
            self.assertEqual(result.out, out)

    def object(self, source, name="prog.bpf.o", *options):
        path = self.folder / name
        self.assert_ends(self.cli("cc", self.file(name + ".c", source), "-o", path, *options), OK)
        return str(path)


class Usage(CliTest):
    def test_no_arguments_print_the_usage(self):
        result = self.cli()
        self.assert_ends(result, USAGE, out="")
        first = f"Usage: {CLI} <path to ebpf instructions> [path to memory for the ebpf program]"
        self.assertEqual(result.err.splitlines()[0], first)
        for command in ("run", "asm", "disasm", "inspect", "verify", "cc", "map", "vms", "completion"):
            self.assertRegex(result.err, rf"(?m)^  {command} ")

    def test_help(self):
        result = self.cli("--help")
        self.assert_ends(result, OK)
        self.assertIn("3  a program faulted while it ran, or certainly would", result.out)
        for command in ("run", "asm", "disasm", "inspect", "verify", "cc", "map", "vms", "completion"):
            own = self.cli(command, "--help")
            self.assert_ends(own, OK)
            self.assertIn("--json", own.out)
            self.assertIn(command, own.out)

    def test_exit_codes_are_those_of_the_readme(self):
        rows = re.findall(r"(?m)^  (\d)  (.+)$", self.cli("--help").out)
        self.assertEqual(len(rows), 7)
        readme = (VM / "cli" / "README.md").read_text()
        for code, meaning in rows:
            self.assertIn(f"| {code} | {meaning} |", readme)

    def test_options_are_in_the_readme(self):
        readme = (VM / "cli" / "README.md").read_text()
        for name in re.findall(r"--[a-z-]+", self.cli("run", "--help").out):
            if name != "--help":
                self.assertIn(name, readme)

    def test_version(self):
        self.assertRegex(self.cli("--version").out, r"^bpftime-cli \d+\.\d+\.\d+ \(libbpftime-vm \d+\.\d+\.\d+\)\n$")
        for arguments in (["--version", "--json"], ["--json", "--version"]):
            self.assertEqual(list(self.cli(*arguments).json), ["bpftime-cli", "libbpftime-vm"])

    def test_wrong_options(self):
        program = self.file("p.s", RETURN_42)
        for arguments in (["--frobnicate"], ["run"], ["run", "--frobnicate", program], ["run", program, "a", "b"],
                          ["asm"], ["disasm"], ["inspect"], ["cc"], ["completion"], ["completion", "tcsh"],
                          ["vms", "extra"], ["run", program, "--repeat", "0"], ["run", program, "--repeat", "-1"],
                          ["run", program, "--repeat", "many"], ["run", program, "--limit", "-5"],
                          ["run", program, "--max-insns", "0"], ["run", program, "--max-insns", "16777217"],
                          ["run", program, "--type", "kprobe"], ["run", program, "--format", "exe"],
                          ["disasm", program, "--style", "gas"], ["--json"]):
            with self.subTest(arguments):
                self.assert_ends(self.cli(*arguments), USAGE, "error|Usage", out="")

    def test_unknown_command_is_a_program_that_is_not_there(self):
        self.assert_ends(self.cli("frobnicate"), IO, "cannot read 'frobnicate': No such file or directory", out="")


class Streams(CliTest):
    def test_errors_go_to_stderr_only(self):
        result = self.cli("run", "missing.bin")
        self.assert_ends(result, IO, r"^bpftime-cli: error: cannot read 'missing.bin': No such file", out="")

    def test_closed_stdout(self):
        program = self.file("p.s", RETURN_42)
        for closing in (">&-", ">/dev/full"):
            for command in ("run", "disasm", "inspect", "asm"):
                with self.subTest(closing + command):
                    process = subprocess.run(["sh", "-c", f'exec "$0" "$@" {closing}', CLI, command, program],
                                             capture_output=True, env=environment({}))
                    self.assertEqual(process.returncode, IO)
                    self.assertIn(b"cannot write to standard output", process.stderr)

    def test_files_do_not_become_a_closed_stdout(self):
        program, out = self.file("p.s", XDP), self.folder / "out.pcap"
        capture = self.file("in.pcap", pcap([frame(b"\2")]))
        process = subprocess.run(["sh", "-c", 'exec "$0" "$@" >&- 2>&- <&-', CLI, "run", program, capture, "--type",
                                  "xdp", "--out", out], env=environment({}))
        self.assertEqual(process.returncode, IO)
        self.assertEqual(packets_of(out.read_bytes()), [frame(b"\2\1")])

    def test_colours_on_a_terminal_only(self):
        program = self.file("p.s", RETURN_42)
        code, shown = self.on_terminal("vms")
        self.assertEqual(code, OK)
        self.assertIn("\x1b[1m", shown)
        self.assertIn("\x1b[1;31merror:", self.on_terminal("run", "missing")[1])
        for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            self.assertNotIn("\x1b", self.on_terminal("run", "missing", env=env)[1])
            self.assertNotIn("\x1b", self.on_terminal("inspect", program, env=env)[1])
        self.assertNotIn("\x1b", self.cli("vms").out)
        self.assertNotIn("\x1b", self.cli("run", "missing").err)

    def test_progress_bar_on_a_terminal_only(self):
        program = self.file("p.s", RETURN_42)
        capture = self.file("many.pcap", pcap([b"x"] * 300))
        code, shown = self.on_terminal("run", program, capture)
        self.assertEqual(code, OK)
        self.assertRegex(shown, r"\[#*\.*\] +\d+%  \d+ packets")
        self.assertNotIn("[", self.cli("run", program, capture).err)

    def test_log_level(self):
        program = self.file("p.s", RETURN_42)
        self.assertIn("debug", self.cli("run", program, env={"BPFTIME_LOG_LEVEL": "DEBUG"}).err)
        self.assert_ends(self.cli("run", program), OK, "^$", out="r0 = 42 (0x2a)\n")


class ProgramForms(CliTest):
    CODE = bytes.fromhex("b70000002a000000" "9500000000000000")

    def test_every_form_runs(self):
        forms = {"p.s": RETURN_42, "p.asm": RETURN_42, "p.txt": "# a comment\n" + RETURN_42, "p.bin": self.CODE,
                 "p.hex": self.CODE.hex(), "p": self.CODE.hex(" ", 1),
                 "q.hex": "0xb7, 0x00,0x00,0x00 ; r0 = 42\n2a:00:00:00 // 42\n# exit\n95 00 00 00 00000000",
                 "p.c": "int f(void) { return 42; }"}
        for name, contents in forms.items():
            with self.subTest(name):
                self.assert_ends(self.cli("run", self.file(name, contents)), OK, out="r0 = 42 (0x2a)\n")

    def test_object_runs(self):
        self.assert_ends(self.cli("run", self.object("int f(void) { return 42; }")), OK, out="r0 = 42 (0x2a)\n")

    def test_standard_input(self):
        for contents in (RETURN_42, self.CODE, self.CODE.hex()):
            self.assert_ends(self.cli("run", "-", stdin=contents), OK, out="r0 = 42 (0x2a)\n")
        c = "int f(void) { return 42; }"
        self.assert_ends(self.cli("run", "-", "--format", "c", stdin=c), OK, out="r0 = 42 (0x2a)\n")

    def test_format_overrides(self):
        path = self.file("p.s", self.CODE.hex())
        self.assert_ends(self.cli("run", path), BAD_INPUT, r"p.s: .*\(line 1\)", out="")
        self.assert_ends(self.cli("run", path, "-f", "hex"), OK, out="r0 = 42 (0x2a)\n")
        text = self.file("p.bin", RETURN_42)
        self.assert_ends(self.cli("run", text, "--format", "raw"), BAD_INPUT, "not a multiple of 8")
        self.assert_ends(self.cli("run", text, "--format", "elf"), BAD_INPUT, "not an ELF file: it begins with 6d 6f 76 20")

    def test_bad_hex(self):
        for contents, message in (("b7000", "p.hex: hexadecimal digits come in pairs, the one in column 5 is alone .line 1"),
                                  ("b700\n00 zz", "p.hex: byte 0x7a is no hexadecimal digit, column 4 .line 2"),
                                  ("b70g", "byte 0x67 is no hexadecimal digit, column 4"),
                                  ("0x", "empty program"), ("# nothing", "empty program")):
            with self.subTest(contents):
                self.assert_ends(self.cli("run", self.file("p.hex", contents)), BAD_INPUT, message, out="")

    def test_bad_assembly_names_the_line(self):
        self.assert_ends(self.cli("run", self.file("p.s", "mov %r0, 1\nfrobnicate %r1\nexit\n")), BAD_INPUT,
                         r"p.s: Invalid mnemonic 'frobnicate' in 'frobnicate %r1' \(line 2\)", out="")

    def test_bad_bytecode(self):
        self.assert_ends(self.cli("run", self.file("p", b"")), BAD_INPUT, "empty program")
        self.assert_ends(self.cli("run", self.file("p", self.CODE[:-1])), BAD_INPUT, "length 15 is not a multiple of 8")
        self.assert_ends(self.cli("run", self.file("p", b"\xff" + bytes(7))), BAD_INPUT, "unknown opcode 0xff at pc 0")
        self.assert_ends(self.cli("run", self.file("p", self.CODE[:8])), BAD_INPUT, "falls off the end")

    def test_not_readable(self):
        self.assert_ends(self.cli("run", self.folder), IO, "cannot read '.*': Is a directory", out="")
        self.assert_ends(self.cli("run", "missing.c"), IO, "cannot read 'missing.c': No such file")
        self.assert_ends(self.cli("run", ""), IO, "cannot read ''")

    def test_endless_input_ends(self):
        self.assert_ends(self.cli("run", "/dev/zero"), BAD_INPUT, "'/dev/zero' is larger than 536870912 bytes")

    def test_foreign_object(self):
        self.assert_ends(self.cli("run", CLI), BAD_INPUT, "an object for machine .*, not for eBPF", out="")

    def test_too_many_instructions(self):
        path = self.file("p", self.CODE[:8] * 65536 + self.CODE[8:])
        self.assert_ends(self.cli("run", path), BAD_INPUT, "program of 65537 instructions exceeds the limit of 65536")
        self.assert_ends(self.cli("run", path, "--max-insns", "65537"), OK, out="r0 = 42 (0x2a)\n")


class Objects(CliTest):
    def test_ambiguous(self):
        path = self.object(MANY_C)
        result = self.cli("run", path)
        self.assert_ends(result, BAD_INPUT, "prog.bpf.o: 5 programs to choose from; say which:", out="")
        for section, program in (("xdp", "first"), ("xdp", "second"), ("tc", "third")):
            self.assertRegex(result.err, rf"(?m)^  --section {section} +--program {program}$")
        result = self.cli("run", path, "--section", "xdp")
        self.assert_ends(result, BAD_INPUT, "2 programs to choose from")
        self.assertNotIn("third", result.err)

    def test_choices(self):
        path = self.object(MANY_C)
        for choice in (["--section", "tc"], ["--program", "third"], ["-s", "tc", "-p", "third"]):
            self.assert_ends(self.cli("run", path, "@64", *choice), OK, out="r0 = 3 (0x3) TC_ACT_PIPE\n")
        self.assert_ends(self.cli("run", path, "-p", "second", "@64"), OK, out="r0 = 2 (0x2) XDP_PASS\n")

    def test_wrong_choices(self):
        path = self.object(MANY_C)
        self.assert_ends(self.cli("run", path, "-p", "fourth"), BAD_INPUT, "no program named 'fourth'; there are:\n.*first")
        self.assert_ends(self.cli("run", path, "-s", "kprobe"), BAD_INPUT, "no program in section 'kprobe'; there are:")
        self.assert_ends(self.cli("run", path, "-s", "tc", "-p", "first"), BAD_INPUT,
                         "no program named 'first' in section 'tc'")
        self.assert_ends(self.cli("run", self.file("p.s", RETURN_42), "-p", "x"), USAGE,
                         "--section and --program choose from an object, but '.*p.s' is assembly text")

    def test_maps_are_made_or_refused_by_name(self):
        path = self.object(MANY_C)
        self.assert_ends(self.cli("run", path, "@64", "-p", "with_map"), BAD_INPUT, "prog.bpf.o: .*making map sessions", out="")
        self.assert_ends(self.cli("run", path, "@64", "-p", "with_data", "--maps", "none"), OK, out="r0 = 1 (0x1)\n")
        self.assert_ends(self.cli("asm", path, "-p", "with_data"), UNSUPPORTED,
                         "needs the global data 'counter': bytecode alone has no data", out="")

    def test_calls_are_linked(self):
        for cpu in ("v1", "v2", "v3", "v4"):
            path = self.object("__attribute__((noinline)) static long twice(long a) { asm volatile(\"\" : \"+r\"(a)); return 2 * a; }"
                               "long f(void) { return twice(21); }", "prog.bpf.o", f"-mcpu={cpu}")
            self.assert_ends(self.cli("run", path), OK, out="r0 = 42 (0x2a)\n")

    def test_damaged_object(self):
        whole = pathlib.Path(self.object(MANY_C)).read_bytes()
        for size in (10, 64, len(whole) // 2, len(whole) - 1):
            self.assert_ends(self.cli("run", self.file("cut.o", whole[:size])), BAD_INPUT, "clang -target bpf", out="")

    def test_object_without_programs(self):
        self.assert_ends(self.cli("run", self.object("int x = 1;")), BAD_INPUT, "the object holds no program")

    def test_programs_that_tail_calls_reach_are_loaded(self):
        programs = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
int second(struct xdp_md *ctx); int third(struct xdp_md *ctx);
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 3); __uint(key_size, 4); __array(values, int(void *)); }
    jumps SEC(".maps") = {.values = {[1] = (void *)&second, [2] = (void *)&third}};
SEC("xdp") int third(struct xdp_md *ctx) { return 42; }
SEC("xdp") int second(struct xdp_md *ctx) { bpf_tail_call(ctx, &jumps, 2); return 2; }
SEC("xdp") int first(struct xdp_md *ctx) { bpf_tail_call(ctx, &jumps, 1); return 1; }
char _license[] SEC("license") = "GPL";
"""
        # As iproute2 has it: the section says which slot of which array a program is in.
        numbered = """
#include <linux/bpf.h>
#define SEC(name) __attribute__((section(name), used))
static long (*tail_call)(void *, void *, unsigned) = (void *)12;
struct elf_map { unsigned type, key, value, entries, flags, id, pinning; };
struct elf_map SEC("maps") jumps = {BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 3, 0, 2, 0};
SEC("2/2") int third(struct __sk_buff *skb) { return skb->len; }
SEC("2/1") int second(struct __sk_buff *skb) { tail_call(skb, &jumps, 2); return 2; }
SEC("classifier") int first(struct __sk_buff *skb) { tail_call(skb, &jumps, 1); return 1; }
char _license[] SEC("license") = "GPL";
"""
        for vm in self.cli("vms", "--json").json["vms"]:
            for name, source, arguments in (("values.o", programs, []), ("numbered.o", numbered, [])):
                with self.subTest(vm=vm["name"], object=name):
                    document = self.cli("run", self.object(source, name), "@42", "-p", "first", *arguments, "--vm", vm["name"],
                                        "--json").json
                    self.assertEqual((document["r0"], document["program"]["name"]), (42, "first"))

    def test_tail_calls_are_between_programs_of_one_type(self):
        path = self.object("""
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
int judge(struct xdp_md *ctx);
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4); __array(values, int(void *)); }
    jumps SEC(".maps") = {.values = {[1] = (void *)&judge}}, other SEC(".maps");
SEC("tc") int filter(struct __sk_buff *skb) { bpf_tail_call(skb, &jumps, 1); return 1; }
SEC("tc") int empty(struct __sk_buff *skb) { bpf_tail_call(skb, &other, 1); return 1; }
SEC("xdp") int judge(struct xdp_md *ctx) { return ctx->data_end - ctx->data; }
char _license[] SEC("license") = "GPL";
""")
        refused = "program 'judge' is of type xdp, but map '%s' is for tail calls between programs of type sched_cls, as '%s' is"
        self.assert_ends(self.cli("run", path, "@50", "-p", "filter"), BAD_INPUT, refused % ("jumps", "filter"), out="")
        self.assert_ends(self.cli("run", path, "@50", "-p", "empty", "--map", "other=1:judge"), BAD_INPUT,
                         refused % ("other", "empty"), out="")
        self.assert_ends(self.cli("run", path, "@50", "-p", "judge"), OK, out="r0 = 50 (0x32) invalid action 50\n")

    def test_programs_of_unknown_type_are_told_what_is_missing(self):
        source = """
#define SEC(name) __attribute__((section(name), used))
struct __sk_buff { unsigned len; };
SEC("from-netdev") int f(struct __sk_buff *skb) { return skb->len; }
SEC("from-container") int g(void *ctx) { char byte; return ((long (*)(void *, int, void *, int))26)(ctx, 0, &byte, 1); }
SEC("prog") int plain(unsigned *memory) { return *memory; }
"""
        path, capture = self.object(source), self.file("in.pcap", pcap([bytes(64)]))
        hint = "section 'from-%s' does not say of which type program '%s' is%s: --type tc "
        takes = hint % ("netdev", "f", ", which takes a struct __sk_buff")
        self.assert_ends(self.cli("run", path, "@64", "-p", "f"), USAGE, takes + r".*\(--type plain: it gets plain memory\)", out="")
        self.assert_ends(self.cli("run", path, "@64", "-p", "f", "--type", "tc"), OK, out="r0 = 64 (0x40) invalid action 64\n")
        self.assert_ends(self.cli("run", path, "@64", "-p", "f", "--type", "plain"), OK, out="r0 = 0 (0x0)\n")
        missing = "program 'g' needs what is not supported yet: helper 26 .*; " + hint % ("container", "g", "")
        self.assert_ends(self.cli("run", path, "@64", "-p", "g"), UNSUPPORTED, missing, out="")
        self.assert_ends(self.cli("run", path, "@64", "-p", "plain"), OK, out="r0 = 0 (0x0)\n")
        self.assert_ends(self.cli("run", path, capture, "-p", "plain"), OK,
                         "^bpftime-cli: warning: section 'prog' does not say .*; it gets plain memory, as with --type plain\n$")
        self.assert_ends(self.cli("run", path, capture, "-p", "plain", "--type", "plain"), OK)
        without_types = self.object(source.replace("-container", "-host").replace("struct __sk_buff *skb", "unsigned *skb")
                                    .replace("skb->len", "*skb"), "old.o")
        self.assert_ends(self.cli("run", without_types, "@64", "-p", "f"), OK, "^bpftime-cli: warning: " + hint % ("netdev", "f", ""))

        self.assertRegex(self.cli("inspect", path).out, "cannot run     " + missing)
        self.assertNotIn("cannot run", self.cli("inspect", path, "--type", "tc").out)
        programs = self.cli("inspect", path, "--type", "tc", "--json").json["programs"]
        self.assertEqual([p["name"] for p in programs if "cannot_run" in p], [])


# One defines what the other calls, and both count in one map.
MAIN_C = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u64); } counts SEC(".maps");
int twice(int n);
SEC("xdp") int main_program(struct xdp_md *ctx) {
    __u32 key = 0;
    __u64 *count = bpf_map_lookup_elem(&counts, &key);
    if (count) ++*count;
    return twice(ctx->data_end - ctx->data) & 1 ? XDP_DROP : XDP_PASS;
}
"""
LIBRARY_C = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u64); } counts SEC(".maps");
int twice(int n) {
    __u32 key = 1;
    __u64 *count = bpf_map_lookup_elem(&counts, &key);
    if (count) ++*count;
    return 2 * n;
}
"""


class Linking(CliTest):
    def setUp(self):
        super().setUp()
        self.main = self.object(MAIN_C, "main.bpf.o")
        self.library = self.object(LIBRARY_C, "library.bpf.o")

    def counts(self, *arguments):
        result = self.cli("run", *arguments, "--json")
        self.assert_ends(result, OK)
        self.assertEqual(result.json["program"]["linked"], [self.library])
        return [entry["value"] for entry in result.json["maps"][0]["entries"]]

    def test_objects_are_linked(self):
        self.assertEqual(self.counts(self.main, self.library, "@64"), [1, 1])
        self.assertEqual(self.counts(self.main, "@64", self.library), [1, 1])

    def test_memory_is_what_is_no_object(self):
        for name, packets in (("one.pcap", 1), ("two.pcap", 2)):
            capture = self.file(name, pcap([bytes(64)] * packets))
            self.assertEqual(self.counts(self.main, self.library, capture), [packets, packets])
        self.assertEqual(self.counts(self.main, self.library, self.file("packet", bytes(60))), [1, 1])

    def test_memory_from_a_pipe(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_bytes, args=(bytes(100),))
        writer.start()
        self.assertEqual(self.counts(self.main, self.library, pipe), [1, 1])
        writer.join()

    def test_two_memories(self):
        self.assert_ends(self.cli("run", self.main, "@64", "@65"), USAGE, "'@64' and '@65' are both memory")
        program = self.file("length.s", LENGTH)
        self.assert_ends(self.cli("run", program, self.library, "@65"), USAGE,
                         "library.bpf.o' and '@65' are both memory: the program is no object")
        self.assert_ends(self.cli("run", program, self.library, "--mem-hex", "00"), USAGE, "give the memory once")

    def test_object_as_memory(self):
        program = self.file("length.s", LENGTH)
        size = os.path.getsize(self.library)
        self.assert_ends(self.cli("run", program, self.library), OK, out=f"r0 = {size} ({size:#x})\n")

    def test_two_definitions(self):
        self.assert_ends(self.cli("run", self.main, self.library, self.library, "@64"), BAD_INPUT,
                         "main.bpf.o . .*library.bpf.o . .*library.bpf.o: objects 1 and 2 both define 'twice'")

    def test_one_alone(self):
        self.assert_ends(self.cli("run", self.main, "@64"), UNSUPPORTED, "twice")

    def test_inspect(self):
        self.assertIn(f"{self.main} + {self.library}: ", self.cli("inspect", self.main, self.library).out)
        document = self.cli("inspect", self.main, self.library, "--json").json
        self.assertEqual(document["linked"], [self.library])
        self.assertEqual([p["name"] for p in document["programs"]], ["main_program"])
        self.assert_ends(self.cli("inspect", self.main, self.file("length.s", LENGTH)), USAGE,
                         "only objects can be linked, but '.*length.s' is assembly text")


class Maps(CliTest):
    PACKETS = [bytes(14) + b"\x45" + bytes(8) + bytes([protocol]) + bytes(2) + bytes([10, 0, 0, source, 10, 0, 0, 9]) + bytes(rest)
               for protocol, source, rest in ((6, 1, 0), (17, 2, 66), (6, 1, 16), (1, 3, 0), (6, 1, 200))]

    DUMP = """
map protocols (array, 256 entries at most, keys of 4 bytes, values of 8)
  key  value
  1    1
  6    3
  17   1

map flows (hash, 64 entries at most, keys of 8 bytes, values of 16)
  key                            value
  {from=167772161, to=167772169}  {packets=3, bytes=318}
  {from=167772162, to=167772169}  {packets=1, bytes=100}
  {from=167772163, to=167772169}  {packets=1, bytes=34}

map bytes (percpu_array, 4 entries at most, keys of 4 bytes, values of 8)
  key  value
  0    cpu0 452

map blocked (hash, 4 entries at most, keys of 4 bytes, values of 1)
  key        value
  167772162  1

map events (ringbuf, 4096 bytes)
  records: 1 (by their size taken for struct flow; --event tells)
  {from=167772162, to=167772169}

map .bss (data, 8 bytes)
  variable  value
  over      1
"""

    def setUp(self):
        super().setUp()
        self.program = self.object(COUNT_C)
        self.capture = self.file("in.pcap", pcap(self.PACKETS))

    def count(self, *arguments):
        return self.cli("run", self.program, self.capture, "--set", "limit=100", "--map", "blocked=x0200000a:1", *arguments)

    def test_dump_is_the_same_on_every_vm(self):
        for vm in self.cli("vms", "--json").json["vms"]:
            result = self.count("--vm", vm["name"])
            self.assert_ends(result, OK)
            dump = result.out[result.out.index("\nmap "):]
            self.assertEqual([line.split() for line in dump.splitlines()], [line.split() for line in self.DUMP.splitlines()])
            self.assertRegex(result.out, r"(?m)^XDP_DROP +2 +40.00$")

    def test_json(self):
        maps = {m["name"]: m for m in self.count("--json", "--maps", "all").json["maps"]}
        self.assertEqual(maps["protocols"]["entries"], [{"key": 1, "value": 1}, {"key": 6, "value": 3}, {"key": 17, "value": 1}])
        self.assertEqual(maps["flows"]["entries"][0], {"key": {"from": 0x0A000001, "to": 0x0A000009},
                                                       "value": {"packets": 3, "bytes": 318}})
        self.assertEqual(sum(maps["bytes"]["entries"][0]["values"]), 452)
        self.assertEqual((maps["events"]["count"], maps["events"]["records"]), (1, [{"from": 0x0A000002, "to": 0x0A000009}]))
        self.assertEqual(maps["events"]["guessed_types"], ["flow"])
        self.assertEqual((maps[".rodata"]["variables"], maps[".bss"]["variables"]), ({"limit": 100}, {"over": 1}))

    def test_choice_of_maps(self):
        shown = lambda *arguments: re.findall(r"(?m)^map (\S+)", self.count(*arguments).out)
        self.assertEqual(shown("--maps", "none"), [])
        self.assertEqual(shown("--maps", "flows,.rodata"), ["flows", ".rodata"])
        self.assertEqual(len(shown("--maps", "all")), len(shown()) + 1)
        self.assert_ends(self.count("--maps", "flow"), BAD_INPUT,
                         "the program uses no map 'flow'; there are: protocols, flows, bytes, blocked, events, ", out="")

    def test_wrong_values(self):
        for option, text, code, message in (
                ("--set", "limit", USAGE, "'limit' is not written as VARIABLE=VALUE"),
                ("--set", "limits=1", BAD_INPUT, "no global variable 'limits'"),
                ("--set", "limit=4294967296", BAD_INPUT, "variable 'limit': '4294967296' is no number of 4 bytes"),
                ("--set", "limit=x00", BAD_INPUT, "variable 'limit': 1 bytes, but it has 4"),
                ("--map", "blocked=1", USAGE, "entry '1' of map 'blocked' is not written as KEY:VALUE"),
                ("--map", "blocked=1:256", BAD_INPUT, "value of map 'blocked': '256' is no number of 1 bytes"),
                ("--map", "flows=1:x00", BAD_INPUT, "value of map 'flows': 1 bytes, but it has 16"),
                ("--map", "nothing=1:1", BAD_INPUT, "the object has no map 'nothing'"),
                ("--map", "protocols=256:1", BAD_INPUT, "update of map protocols")):
            with self.subTest(text):
                self.assert_ends(self.cli("run", self.program, self.capture, option, text), code, message, out="")
        self.assert_ends(self.cli("run", self.file("p.s", RETURN_42), "--set", "a=1"), USAGE, "need an object", out="")

    def test_variables_are_set_by_parts_and_types(self):
        path = self.object(SETTINGS_C, "settings.o")
        config = {"limit": 1, "_1": {"low": 0, "all": 0}, "on": False, "name": "", "inner": {"ports": [0] * 4, "mode": "MODE_OFF"},
                  "bit": 0}
        run = lambda *arguments: self.cli("run", path, "@64", "--json", "--set", "CONFIG_HZ=250", *arguments)
        for text, name, value in (("config.limit=5", "config", {**config, "limit": 5}),
                                  ("config.all=0x102", "config", {**config, "_1": {"low": 2, "all": 0x102}}),
                                  ("config.on=true", "config", {**config, "on": True}),
                                  ("config.name=eth0", "config", {**config, "name": "eth0"}),
                                  ("config.inner.ports[1]=3", "config",
                                   {**config, "inner": {"ports": [0, 3, 0, 0], "mode": "MODE_OFF"}}),
                                  ('config={"limit": 4, "inner": {"mode": "MODE_ON"}, "bit": 5}', "config",
                                   {**config, "limit": 4, "inner": {"ports": [0] * 4, "mode": "MODE_ON"}, "bit": 5}),
                                  ("list[2]=-5", "list", [0, 0, -5, 0]), ("list=[1, 2]", "list", [1, 2, 0, 0]),
                                  ("flag=true", "flag", True), ("flag=0", "flag", False),
                                  ("mode=MODE_ON", "mode", "MODE_ON"), ("mode=7", "mode", "MODE_ON"),
                                  ("text=xyz", "text", "xyz"), ("text=x6162000000000000", "text", "ab"),
                                  ("text=12345678", "text", "12345678"), ('text="x\\"y"', "text", 'x"y'),
                                  ("mac=x0011223344ff", "mac", "0011223344ff"), ("p.counter=6", "p.counter", 7)):
            with self.subTest(text):
                result = run("--set", text, "--maps", ".data,.bss")
                self.assert_ends(result, OK)
                variables = {k: v for m in result.json["maps"] for k, v in m["variables"].items()}
                self.assertEqual(variables[name], value)
        for texts, r0 in (([], 251), (["CONFIG_BPF_SYSCALL=y"], 751), (["CONFIG_BPF_SYSCALL=1"], 751), (["CONFIG_HZ=100"], 101)):
            arguments = [argument for text in texts for argument in ("--set", text)]
            self.assertEqual(run(*arguments).json["r0"], r0, texts)
        for text, message in (("config.speed=1", "no variable 'config.speed': 'config' has no member 'speed'"),
                              ("config.limit.x=1", "'config.limit' is no struct"),
                              ("config.bit=1", "'config' has 'bit' as a bit field"),
                              ("list[4]=1", "'list' has 4 elements"), ("list[x]=1", "'list' is an array: '\\[x\\]' is no"),
                              ("list[1=1", "'list' is an array: '\\[1' is no"), ("config[0]=1", "'config' is no array"),
                              ("speed.most=1", "the object has no global variable 'speed.most'"),
                              ("mode=MODE", "'MODE' is no number of 4 bytes: write one of MODE_OFF, MODE_ON, a number"),
                              ("text=123456789", "'123456789' is no number of 8 bytes"),
                              ("list=[1,2,3,4,5]", "variable 'list': 5 elements, but it has 4"),
                              ('config={"speed":1}', "has members that are not in config"), ("config={", "no JSON document"),
                              ("CONFIG_HZ=y", "'y' is no value of 'CONFIG_HZ'")):
            with self.subTest(text):
                self.assert_ends(run("--set", text), BAD_INPUT, message, out="")

    def test_entries_are_set_by_types(self):
        path = self.object(SETTINGS_C, "settings.o")
        for text, entry in (('hash={"a":1,"b":2}:{"mode":"MODE_ON","ports":[80]}',
                             {"key": {"a": 1, "b": 2}, "value": {"ports": [80, 0, 0, 0], "mode": "MODE_ON"}}),
                            ("modes=abc:MODE_ON", {"key": "abc", "value": "MODE_ON"}),
                            ('modes="a:b":7', {"key": "a:b", "value": "MODE_ON"}),
                            ("modes=x6162000000000000:0", {"key": "ab", "value": "MODE_OFF"})):
            with self.subTest(text):
                result = self.cli("run", path, "@64", "--set", "CONFIG_HZ=0", "--map", text, "--maps", text.split("=")[0], "--json")
                self.assert_ends(result, OK)
                self.assertEqual(result.json["maps"][0]["entries"], [entry])
                self.assertEqual(result.json["r0"], 8 if text.startswith("hash") or "=abc" in text else 1)
        self.assert_ends(self.cli("run", path, "@64", "--set", "CONFIG_HZ=0", "--map", 'hash={"a":1,"b":2}'), USAGE, "is not written as KEY:VALUE", out="")

    def test_what_is_missing_is_named(self):
        path = self.object("""
#define SEC(name) __attribute__((section(name), used))
struct { int (*type)[26]; int (*max_entries)[1]; int *key; int *value; } ops SEC(".maps");
SEC("socket") int f(void *ctx) { return ((long (*)(void *))166)(&ops); }
""", "missing.o")
        message = "program 'f' needs what is not supported yet: helper 166 (bpf_sys_bpf) at pc 2, map 'ops' of type struct_ops"
        self.assert_ends(self.cli("run", path), UNSUPPORTED, re.escape(message), out="")
        self.assertIn("cannot run     " + message, self.cli("inspect", path).out)
        self.assertIn(message, self.cli("inspect", path, "--json").json["programs"][0]["cannot_run"])

    def test_keys_are_for_maps_that_have_them(self):
        path = self.object("""
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 4); __type(value, __u32); } jobs SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, __u32); } table SEC(".maps");
SEC("xdp") int f(struct xdp_md *ctx) {
    __u32 job = 0;
    bpf_map_pop_elem(&jobs, &job);
    return job + (bpf_map_lookup_elem(&table, &job) != 0);
}
""", "queue.o")
        self.assertEqual(self.cli("run", path, "@64", "--map", "jobs=:7", "--json").json["r0"], 7)
        self.assert_ends(self.cli("run", path, "@64", "--map", "jobs=1:7"), USAGE,
                         "map 'jobs' is a queue, which has no keys: write --map jobs=:VALUE", out="")
        self.assert_ends(self.cli("run", path, "@64", "--max-entries", "table=0"), BAD_INPUT,
                         r"making map table of type hash: .* \(EINVAL\): it has to have room for entries$", out="")

    def test_kernel_functions_are_named(self):
        path = self.object("""
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
extern int bpf_dynptr_from_xdp(struct xdp_md *x, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *p) __ksym;
SEC("xdp") int p(struct xdp_md *x) {
    struct bpf_dynptr d;
    bpf_dynptr_from_xdp(x, 0, &d);
    return bpf_dynptr_size(&d) + 1;
}
""", "functions.o")
        self.assertEqual(self.cli("run", path, "@64", "--json").json["r0"], 65)
        (program,) = self.cli("inspect", path, "--json").json["programs"]
        self.assertNotIn("cannot_run", program)
        self.assertEqual([sorted(f) for f in program["kfuncs"]], [["name", "pcs"]] * 2)
        self.assertEqual({f["name"] for f in program["kfuncs"]}, {"bpf_dynptr_from_xdp", "bpf_dynptr_size"})
        text = self.cli("inspect", path).out
        self.assertRegex(text, r"(?m)^  kernel func.   bpf_dynptr_from_xdp at \d+$")
        self.assertRegex(text, r"(?m)^  kernel func.   bpf_dynptr_size at \d+$")
        self.assertNotIn("cannot run", text)
        result = self.cli("disasm", path)
        self.assert_ends(result, OK)
        self.assertEqual(re.findall(r"(?m)^call .*  # (.*)$", result.out), ["bpf_dynptr_from_xdp", "bpf_dynptr_size"])
        self.assertEqual([i["kernel_function"] for i in self.cli("disasm", path, "--json").json["instructions"]
                          if "kernel_function" in i], ["bpf_dynptr_from_xdp", "bpf_dynptr_size"])
        self.assert_ends(self.cli("asm", self.file("again.s", result.out), "--hex"), OK)
        self.assert_ends(self.cli("asm", path, "--hex"), UNSUPPORTED,
                         "program 'p' calls kernel functions, which bytecode alone cannot name", out="")
        # Those about packets are for programs that get packets.
        other = self.object("""
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
extern int bpf_dynptr_from_xdp(struct xdp_md *x, __u64 flags, struct bpf_dynptr *ptr) __ksym;
SEC("raw_tp") int p(void *x) { struct bpf_dynptr d; return bpf_dynptr_from_xdp(x, 0, &d); }
""", "other.o")
        self.assertIn("'bpf_dynptr_from_xdp'", self.cli("inspect", other, "--json").json["programs"][0]["error"])

    def test_faults_tell_where_in_the_source_they_are(self):
        source = """#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
int other(struct xdp_md *ctx);
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 1); __uint(key_size, 4); __array(values, int(void *)); }
    others SEC(".maps") = {.values = {(void *)&other}};
static __attribute__((noinline)) int parse(struct xdp_md *ctx) {
    return ((volatile __u8 *)(long)ctx->data)[66];
}
SEC("xdp") int f(struct xdp_md *ctx) { return parse(ctx) + 1; }
SEC("xdp") int other(struct xdp_md *ctx) { return *(volatile __u16 *)((char *)(long)ctx->data + 63); }
SEC("xdp") int jump(struct xdp_md *ctx) { bpf_tail_call(ctx, &others, 0); return 0; }
"""
        path = self.object(source, "faulty.o")
        where = r"in function parse \(faulty.o.c:7: `return \(\(volatile __u8 \*\)\(long\)ctx->data\)\[66\];`\)"
        packet = (r": 1 bytes at offset 66 of region 0 of this run, 2 bytes behind its end: that is the packet, which has 64 bytes: "
                  "the program has to compare with data and data_end")
        capture = self.file("in.pcap", pcap([bytes(64), bytes(67)]))
        for vm in self.cli("vms", "--json").json["vms"]:
            run = lambda program, memory, *more: self.cli("run", path, memory, "-p", program, "--vm", vm["name"], *more)
            self.assert_ends(run("f", "@64"), FAULT, where + packet)
            self.assert_ends(run("f", capture), FAULT, "1 of 2 packets faulted; packet 1: .*" + where + packet)
            fault = run("f", "@64", "--json").json["fault"]
            self.assertEqual((fault["function"], fault["source"]["line"], fault["region"]), ("parse", 7, "run"))
            self.assertEqual(fault["source"]["text"], "    return ((volatile __u8 *)(long)ctx->data)[66];")
            self.assertTrue(fault["source"]["file"].endswith("/faulty.o.c"))
            fault = run("f", capture, "--json").json["first_fault"]
            self.assertEqual((fault["function"], fault["source"]["line"]), ("parse", 7))
            result = self.cli("run", path, "@64", "-p", "jump", "--map", "others=0:other", "--vm", vm["name"], "--json")
            self.assertEqual((result.json["fault"]["function"], result.json["fault"]["source"]["line"]), ("other", 10))
            self.assertIn("1 of them behind its end", result.json["fault"]["message"])

    def test_what_another_host_has_is_a_fault_when_it_is_reached(self):
        path = self.object("""
#define SEC(name) __attribute__((section(name), used))
extern int elsewhere(int) SEC(".ksyms") __attribute__((weak));
int which;
struct { int (*type)[4]; int (*key_size)[4]; int (*value_size)[4]; } samples SEC(".maps");
SEC("socket") int f(void *ctx) {
    long sample = 0x1122;
    if (which == 1) return elsewhere(1);
    return ((long (*)(void *, void *, unsigned long, void *, unsigned long))25)(ctx, &samples, 0xffffffff, &sample, 8);
}
""", "weak.o")
        why = "call of the weak function 'elsewhere', which is not there"
        for vm in self.cli("vms", "--json").json["vms"]:
            result = self.cli("run", path, "@64", "--vm", vm["name"], "--maps", "samples")
            self.assert_ends(result, OK, "^$")
            self.assertTrue(result.out.startswith("r0 = 0 (0x0)\n\nmap samples (perf_event_array, "))
            self.assertTrue(result.out.endswith("\n  records: 1\n  2211000000000000\n"))
            self.assert_ends(self.cli("run", path, "@64", "--vm", vm["name"], "--set", "which=1"), FAULT,
                             "unavailable: .* at pc .*: " + why)
        (program,) = self.cli("inspect", path, "--json").json["programs"]
        self.assertEqual([u["reason"] for u in program["unavailable"]], [why])
        self.assertEqual([h["id"] for h in program["helpers"]], [25])

    def test_inspect(self):
        document = self.cli("inspect", self.program, "--json").json
        self.assertEqual([(m["name"], m["type"], m["max_entries"]) for m in document["maps"]][:3],
                         [("protocols", "array", 256), ("flows", "hash", 64), ("bytes", "percpu_array", 4)])
        self.assertEqual([(v["name"], v["section"], v["type"], v["value"]) for v in document["variables"]],
                         [("limit", ".rodata", "__u32", 1000), ("over", ".bss", "__u64", 0)])
        self.assertEqual((document["license"], document["core_relocations"]), ("GPL", 0))
        (program,) = document["programs"]
        self.assertEqual(len(program["maps"]), 7)
        self.assertNotIn("cannot_run", program)
        text = self.cli("inspect", self.program).out
        for line in ("license            GPL", "CO-RE relocations  0", "  helper         130 bpf_ringbuf_output at "):
            self.assertIn(line, text)
        self.assertRegex(text, r"(?m)^flows +hash +8 +16 +64 +declaration +0x0$")


class PinnedMaps(CliTest):
    SOURCE = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, SIZE); __type(key, __u32); __type(value, __u64);
         __uint(pinning, LIBBPF_PIN_BY_NAME); } runs SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 8); __type(value, __u32); } jobs SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 8); __uint(key_size, 8); __uint(value_size, 8);
         __uint(map_flags, BPF_F_NO_PREALLOC); } prefixes SEC(".maps");
SEC("socket") int count(void *ctx) {
    __u32 key = 1;
    __u64 one = 1, *seen = bpf_map_lookup_elem(&runs, &key);
    if (seen) return __sync_fetch_and_add(seen, 1);
    bpf_map_push_elem(&jobs, &key, 0);
    return bpf_map_update_elem(&runs, &key, &one, 0);
}
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(max_entries, 8); __uint(key_size, 4); __uint(value_size, 64); } stacks
    SEC(".maps");
SEC("socket") int look(void *ctx) {
    __u64 key = 0;
    __u32 stack = 0;
    return (bpf_map_lookup_elem(&prefixes, &key) != 0) + (bpf_map_lookup_elem(&stacks, &stack) != 0);
}
"""

    def setUp(self):
        super().setUp()
        self.program = self.object(self.SOURCE.replace("SIZE", "16"))
        self.pins = str(self.folder / "pins")
        os.mkdir(self.pins)

    def run_count(self, *options):
        return self.cli("run", self.program, "--program", "count", "--type", "plain", "--maps", "none", *options)

    def test_they_last_from_run_to_run(self):
        for run in range(3):
            self.assert_ends(self.run_count("--pin", self.pins), OK)
        self.assertEqual(os.listdir(self.pins), ["runs"])
        runs = self.pins + "/runs"
        self.assert_ends(self.cli("map", "dump", runs), OK, out=(
            "\nmap runs (hash, 16 entries at most, keys of 4 bytes, values of 8)\n  key  value\n  1    3\n"))
        self.assert_ends(self.cli("map", "update", runs, "1", "40"), OK, out="")
        self.assert_ends(self.cli("map", "update", runs, "x02000000", "0x10"), OK, out="")
        self.assert_ends(self.run_count("--pin", self.pins), OK)
        self.assert_ends(self.cli("map", "lookup", runs, "1"), OK, out="41\n")
        self.assertEqual(self.cli("--json", "map", "lookup", runs, "2").json, {"value": 16})
        self.assert_ends(self.cli("map", "delete", runs, "1"), OK, out="")
        self.assert_ends(self.cli("map", "lookup", runs, "1"), BAD_INPUT, "there is no such entry")
        self.assertEqual(self.cli("map", "dump", runs, "--json").json["entries"], [{"key": 2, "value": 16}])
        os.remove(runs)
        self.assert_ends(self.run_count("--pin", self.pins), OK)
        self.assert_ends(self.cli("map", "lookup", runs, "1"), OK, out="1\n")

    def test_processes_count_together(self):
        self.assert_ends(self.run_count("--pin", self.pins), OK)
        command = [CLI, "run", self.program, "--program", "count", "--type", "plain", "--maps", "none", "--pin", self.pins,
                   "--repeat", "1000"]
        running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(4)]
        self.assertEqual([process.wait() for process in running], [OK] * 4)
        self.assert_ends(self.cli("map", "lookup", self.pins + "/runs", "1"), OK, out="4001\n")

    def test_maps_that_are_named_are_pinned_too(self):
        self.assert_ends(self.run_count("--pin", self.pins, "--pin-map", "jobs"), OK)
        jobs = self.pins + "/jobs"
        self.assert_ends(self.cli("map", "update", jobs, "7"), OK)
        self.assert_ends(self.cli("map", "lookup", jobs), OK, out="1\n")
        shown = self.cli("map", "dump", jobs)
        self.assert_ends(shown, OK)
        self.assertTrue(shown.out.endswith("\n  value\n  1\n  7\n"), shown.out)
        self.assertEqual(self.cli("map", "dump", jobs, "--json").json["entries"], [{"value": 1}, {"value": 7}])
        self.assert_ends(self.run_count("--pin-map", "jobs"), USAGE, "--pin-map needs --pin")
        result = self.cli("run", self.program, "--program", "look", "--type", "plain", "--pin", self.pins, "--pin-map", "stacks")
        self.assert_ends(result, UNSUPPORTED, "map stacks of type stack_trace cannot be pinned yet")

    def test_prefixes_are_found_from_run_to_run(self):
        def look():
            return self.cli("run", self.program, "--program", "look", "--type", "plain", "--maps", "none", "--pin", self.pins,
                            "--pin-map", "prefixes")
        prefixes = self.pins + "/prefixes"
        nothing = look().out
        self.assert_ends(self.cli("map", "update", prefixes, "x080000000a010203", "5"), OK, out="")
        self.assert_ends(self.cli("map", "lookup", prefixes, "x200000000a636363"), OK, out="5\n")
        self.assert_ends(self.cli("map", "lookup", prefixes, "x200000000b636363"), BAD_INPUT, "there is no such entry")
        self.assertEqual(look().out, nothing)
        self.assert_ends(self.cli("map", "update", prefixes, "x0000000000000000", "6"), OK, out="")
        self.assertNotEqual(look().out, nothing)
        shown = self.cli("map", "dump", prefixes, "--json")
        self.assert_ends(shown, OK)
        self.assertEqual(sorted(entry["value"] for entry in shown.json["entries"]), [5, 6])
        self.assert_ends(self.cli("map", "delete", prefixes, "x080000000a000000"), OK, out="")
        self.assert_ends(self.cli("map", "lookup", prefixes, "x200000000a636363"), OK, out="6\n")

    def test_they_have_to_be_as_declared(self):
        self.assert_ends(self.run_count("--pin", self.pins), OK)
        self.program = self.object(self.SOURCE.replace("SIZE", "32"), "other.o")
        self.assert_ends(self.run_count("--pin", self.pins), BAD_INPUT, "max_entries 16, not 32")

    def test_what_is_damaged_is_not_all(self):
        self.assert_ends(self.run_count("--pin", self.pins), OK)
        runs = self.pins + "/runs"
        self.assert_ends(self.cli("map", "update", runs, "0x12345678", "9"), OK)
        self.assert_ends(self.cli("map", "delete", runs, "1"), OK)
        contents = bytearray(pathlib.Path(runs).read_bytes())
        key_at = 16  # in an element, which begins with what follows it in its chain
        element = contents.index(b"\x78\x56\x34\x12") - key_at
        words = struct.unpack(f"<{len(contents) // 8}Q", contents)
        (head,) = (word >> 20 for word in words if word != 0 and word % 2**20 == 0 and (word >> 20) % 8 == 2)
        struct.pack_into("<Q", contents, element, head)  # it follows itself
        pathlib.Path(runs).write_bytes(contents)
        shown = self.cli("map", "dump", runs)
        self.assert_ends(shown, BAD_INPUT, "another process has damaged the map")
        self.assertTrue(shown.out.endswith("  key        value\n  305419896  9\n"), shown.out)
        shown = self.cli("map", "dump", runs, "--json")
        self.assert_ends(shown, BAD_INPUT, "another process has damaged the map")
        self.assertEqual(shown.json["entries"], [{"key": 0x12345678, "value": 9}])
        self.assertIn("another process has damaged the map", shown.json["stopped_by"])
        shown = self.cli("run", self.program, "--program", "look", "--type", "plain", "--maps", "runs", "--map", "runs=5:6",
                         "--pin", self.pins)
        self.assert_ends(shown, OK, "warning: .*another process has damaged the map")

    def test_wrong_arguments(self):
        self.assert_ends(self.run_count("--pin", self.pins), OK)
        runs = self.pins + "/runs"
        for arguments in (["map"], ["map", "dump"], ["map", "read", runs], ["map", "lookup", runs], ["map", "dump", runs, "1"],
                          ["map", "update", runs, "1"], ["map", "lookup", runs, "1", "2"]):
            with self.subTest(arguments):
                self.assert_ends(self.cli(*arguments), USAGE, "error|Usage", out="")
        self.assert_ends(self.cli("map", "dump", self.program), BAD_INPUT, "the file is no map, or damaged")
        self.assert_ends(self.cli("map", "dump", self.pins + "/none"), BAD_INPUT, "there is no such file")
        self.assert_ends(self.run_count("--pin", self.pins + "/none"), BAD_INPUT, "there is no such folder")


class MapFiles(CliTest):
    SOURCE = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
enum kind { NONE, SOME, MANY };
struct part { __u16 port; __u8 mac[6]; };
struct value { int number; enum kind kind; struct part parts[2]; unsigned low : 3; int high : 5; _Bool is_set; struct { __u8 a, b; }; void *where; };
struct key { __u32 id; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, struct key); __type(value, struct value); } table SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u32); } counts SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); } plain SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 8); __type(value, __u32); } jobs SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u32); } unreached SEC(".maps");
const volatile struct part limit = {7, {1, 2}};
int seen = 3;
SEC("raw_tp") int f(void *ctx) {
    struct key k = {5};
    __u32 one = 1, job = 0;
    struct value *v = bpf_map_lookup_elem(&table, &k);
    __u32 *n = bpf_map_lookup_elem(&counts, &one);
    __u64 *p = bpf_map_lookup_elem(&plain, &one);
    bpf_map_pop_elem(&jobs, &job);
    seen += limit.port;
    return (v ? v->number + v->high : 0) + (n ? *n : 0) + (p ? *p : 0) + job;
}
SEC("raw_tp") int g(void *ctx) { __u32 one = 1, *n = bpf_map_lookup_elem(&unreached, &one); return n ? *n : -1; }
char _license[] SEC("license") = "GPL";
"""
    VALUE = {"number": -20, "kind": "MANY", "parts": [{"port": 80, "mac": "010203040506"}, {"port": 443, "mac": "ffffffffffff"}],
             "low": 5, "high": -3, "is_set": True, "_6": {"a": 1, "b": 255}, "where": "0x1122"}

    def setUp(self):
        super().setUp()
        self.program = self.object(self.SOURCE)

    def run_with(self, document, *arguments):
        text = document if isinstance(document, (str, bytes)) else json.dumps(document)
        return self.cli("run", self.program, "-p", "f", "--map-file", self.file("maps.json", text), *arguments)

    def test_what_is_printed_can_be_read(self):
        maps = [{"name": "table", "entries": [{"key": {"id": 5}, "value": self.VALUE}]},
                {"name": "counts", "entries": [{"key": 1, "values": [1000 + cpu for cpu in range(4)][:os.cpu_count()]}]},
                {"name": "plain", "entries": [{"key": "0x1", "value": "5"}]},
                {"name": "jobs", "entries": [{"value": 100}]},
                {"name": "unreached", "entries": [{"key": 1, "value": 9}]},
                {"name": ".rodata", "variables": {"limit": {"port": 9}}}, {"name": ".data", "variables": {"seen": 4}}]
        first = self.run_with({"maps": maps}, "--json", "--maps", "all")
        self.assert_ends(first, OK, "^$")
        self.assertIn(first.json["r0"], [-20 - 3 + 1000 + cpu + 5 + 100 for cpu in range(os.cpu_count())])
        shown = {m["name"]: m for m in first.json["maps"]}
        self.assertEqual(shown["table"]["entries"], maps[0]["entries"])
        self.assertEqual(shown[".data"]["variables"], {"seen": 13})
        again = self.run_with(first.out, "--json", "--maps", "all")
        self.assert_ends(again, OK, "^$")
        self.assertEqual({m["name"]: m.get("entries") for m in again.json["maps"]},
                         {m["name"]: m.get("entries") for m in first.json["maps"]})
        self.assertEqual([m["variables"] for m in again.json["maps"] if m["name"] == ".data"], [{"seen": 22}])

    def test_short_form(self):
        self.assertEqual(self.run_with({"plain": {"1": 7}, "counts": [{"key": 1, "value": 30}]}, "--json").json["r0"], 37)
        text = self.run_with({"table": [{"key": {"id": 5}, "value": {"number": 1}}]}, "--map", "plain=1:2", "--maps", "none")
        self.assert_ends(text, OK, out="r0 = 3 (0x3)\n")

    def test_wrong_files(self):
        where = "neither what `run --json` prints of maps, nor"
        for text, message in (("", "no JSON document"), ("{", "no JSON document"), ("7", where), ('[{"entries": []}]', where),
                              ('{"maps": [7]}', where), ('{"plain": 7}', where), (b"\xff", "no JSON document"),
                              ('{"plain": ' + "[" * 100000 + "]" * 100000 + "}", "arrays and objects are more than 64 inside each other")):
            self.assert_ends(self.run_with(text), BAD_INPUT, "maps.json: " + message, out="")
        self.assert_ends(self.cli("run", self.program, "--map-file", "missing"), IO, "cannot read 'missing'", out="")
        self.assert_ends(self.cli("run", self.file("p.s", RETURN_42), "--map-file", "x"), USAGE, "need an object", out="")

    def test_wrong_values(self):
        entry = lambda key, value: {"table": [{"key": key, "value": value}]}
        for document, message in (
                ({"nothing": {}}, "maps.json: the object has no map 'nothing'"),
                ({"plain": {"x": 1}}, """key of map 'plain': "x" is no value of 4 bytes"""),
                ({"plain": {"1": -1.5}}, "value of map 'plain': -1.5 is no value of 8 bytes"),
                ({"plain": {"1": 2**64}}, "value of map 'plain': .* is no value of 8 bytes"),
                ({"plain": [{"key": 1}]}, "value of map 'plain': null is no value of 8 bytes"),
                ({"plain": [7]}, "key of map 'plain': null is no value"),
                ({"plain": [{"key": 1, "values": [1]}]}, "map 'plain' takes no 1 values for one key"),
                ({"counts": {"1": 2**32}}, "value of map 'counts': 4294967296 is no value of 4 bytes"),
                ({"counts": {"2": 1}}, "update of map counts"),
                (entry({"id": 1, "x": 2}, {}), "key of map 'table': .* has members that are not in key"),
                (entry({"id": 1}, {"low": 8}), "value of map 'table': low: 8 does not fit 3 bits"),
                (entry({"id": 1}, {"high": -17}), "high: -17 does not fit 5 bits"),
                (entry({"id": 1}, {"kind": "FEW"}), 'kind: "FEW" is no value of 4 bytes'),
                (entry({"id": 1}, {"parts": [{}, {}, {}]}), "parts: 3 elements, but it has 2"),
                (entry({"id": 1}, {"parts": [{"mac": "0102"}]}), r"parts: \[0\]: mac: .* is no value of 6 bytes"),
                ([{"name": ".rodata", "variables": {"none": 1}}], "no global variable 'none'"),
                ([{"name": ".data", "variables": {"seen": []}}], r"variable 'seen': \[\] is no value of 4 bytes")):
            with self.subTest(document):
                self.assert_ends(self.run_with(document), BAD_INPUT, message, out="")


class MapsOfObjects(CliTest):
    """Maps that hold maps, programs or control groups."""
    SOURCE = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); };
struct inner one SEC(".maps"), two SEC(".maps");
#define OUTER(kind) __uint(type, kind); __uint(max_entries, 4); __type(key, __u32); __array(values, struct inner)
struct { OUTER(BPF_MAP_TYPE_ARRAY_OF_MAPS); } outer SEC(".maps");
struct { OUTER(BPF_MAP_TYPE_HASH_OF_MAPS); } by_key SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u32); } calls SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CGROUP_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u32); } groups SEC(".maps");
static __u32 look(void *map, __u32 key) {
    __u32 zero = 0, *v = 0;
    void *in = bpf_map_lookup_elem(map, &key);
    if (in) v = bpf_map_lookup_elem(in, &zero);
    return v ? *v : 0;
}
SEC("socket") int f(struct __sk_buff *skb) {
    __u32 sum = look(&outer, 1) * 100 + look(&by_key, 7);
    if (bpf_current_task_under_cgroup(&groups, 2) == -11) sum += 10000;
    bpf_tail_call(skb, &calls, 3);
    return sum;
}
SEC("socket") int g(struct __sk_buff *skb) { return 77; }
SEC("xdp") int other(struct xdp_md *ctx) { return 77; }
char _license[] SEC("license") = "GPL";
"""
    FILE = {"outer": {"1": "one"}, "by_key": {"7": "two"}, "groups": {"2": 3}, "one": {"0": 4}, "two": {"0": 5}}

    def setUp(self):
        super().setUp()
        self.program = self.object(self.SOURCE)

    def run_f(self, *arguments):
        return self.cli("run", self.program, "@64", "-p", "f", *arguments)

    def map_file(self, document):
        return ["--map-file", self.file("maps.json", document if isinstance(document, str) else json.dumps(document))]

    def test_are_filled_from_the_command_line(self):
        entries = ["outer=1:one", "by_key=7:two", "one=0:4", "two=0:5"]
        options = [word for entry in entries for word in ("--map", entry)]
        for vm in self.cli("vms", "--json").json["vms"]:
            self.assert_ends(self.run_f(*options, "--vm", vm["name"], "--maps", "none"), OK, out="r0 = 10405 (0x28a5)\n")
            self.assert_ends(self.run_f("--map", "groups=2:3", "--vm", vm["name"], "--maps", "none"), OK, out="r0 = 0 (0x0)\n")
            self.assert_ends(self.run_f(*options, "--map", "calls=3:g", "--vm", vm["name"], "--maps", "none"), OK,
                             out="r0 = 77 (0x4d)\n")

    def test_are_filled_from_json_and_shown_as_it_wants_them(self):
        first = self.run_f(*self.map_file(self.FILE), "--json")
        self.assert_ends(first, OK, "^$")
        self.assertEqual(first.json["r0"], 405)
        shown = {m["name"]: m["entries"] for m in first.json["maps"]}
        self.assertEqual((shown["outer"], shown["by_key"], shown["groups"], shown["calls"]),
                         ([{"key": 1, "value": "one"}], [{"key": 7, "value": "two"}], [{"key": 2, "value": 3}], []))
        again = self.run_f(*self.map_file(first.out), "--json")
        self.assert_ends(again, OK, "^$")
        self.assertEqual((again.json["r0"], again.json["maps"]), (405, first.json["maps"]))
        called = self.run_f(*self.map_file({"calls": {"3": "g"}}), "--json")
        self.assertEqual(called.json["r0"], 77)
        self.assertIn({"key": 3, "value": "g"}, [e for m in called.json["maps"] if m["name"] == "calls" for e in m["entries"]])
        self.assertRegex(self.run_f("--map", "outer=1:one").out, r"(?m)^  1    one$")

    def test_wrong_objects_are_refused(self):
        for name, key, value, message in (
                ("outer", 1, "three", "the object has no map 'three'"), ("outer", 1, "calls", "update of map outer"),
                ("outer", 1, "9999", "the object has no map '9999'"), ("by_key", 1, "three", "the object has no map 'three'"),
                ("calls", 1, "h", "map 'calls': the object has no program 'h'"),
                ("calls", 1, "other", "program 'other' is of type xdp, but map 'calls' is for tail calls between"),
                ("calls", 9, "g", "update of map calls"),
                ("groups", 1, "one", "map 'groups' takes the numbers of control groups, and \"one\" is none")):
            with self.subTest(name=name, value=value):
                self.assert_ends(self.run_f("--map", f"{name}={key}:{value}"), BAD_INPUT, message, out="")
                self.assert_ends(self.run_f(*self.map_file({name: {str(key): value}})), BAD_INPUT, message, out="")
        self.assert_ends(self.run_f(*self.map_file({"outer": {"1": 9999}})), BAD_INPUT,
                         "map 'outer' takes the names of maps, and 9999 is none", out="")


class Dumps(CliTest):
    def test_what_no_host_can_read_is_said(self):
        path = self.object("""
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#define MAP(kind, size) struct { __uint(type, BPF_MAP_TYPE_##kind); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, size); }
MAP(SOCKMAP, 4) short_socks SEC(".maps");
MAP(SOCKMAP, 8) socks SEC(".maps");
MAP(SOCKHASH, 4) short_hash SEC(".maps");
MAP(XSKMAP, 4) queues SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, __u64); }
    storage SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } from_host SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_BLOOM_FILTER); __uint(max_entries, 4); __type(value, __u32); } bloom SEC(".maps");
SEC("socket") int f(struct __sk_buff *skb) {
    __u32 k = 0;
    return (bpf_map_lookup_elem(&short_socks, &k) != 0) + (bpf_map_lookup_elem(&socks, &k) != 0) +
           (bpf_map_lookup_elem(&short_hash, &k) != 0) + (bpf_map_lookup_elem(&queues, &k) != 0) +
           (bpf_map_peek_elem(&bloom, &k) == 0) + (bpf_map_lookup_elem(&storage, &k) != 0) +
           (bpf_map_lookup_elem(&from_host, &k) != 0);
}
char _license[] SEC("license") = "GPL";
""")
        values, keys = "no host can read values of maps of this type and size", "no host can list what is in maps of this type"
        expected = {"short_socks": values, "socks": None, "short_hash": values, "queues": values, "storage": keys,
                    "from_host": keys, "bloom": keys}
        entries = [word for name in ("short_socks", "socks", "short_hash", "queues") for word in ("--map", f"{name}=1:1")]
        text = self.cli("run", path, "@64", "--maps", "all", *entries)
        self.assert_ends(text, OK)
        shown = dict(re.findall(r"(?m)^map (\S+) \(.*\)\n  (.*)$", text.out))
        document = self.cli("run", path, "@64", "--maps", "all", "--json", *entries)
        self.assert_ends(document, OK, "^$")
        said = {m["name"]: m.get("hidden") for m in document.json["maps"]}
        for name, hidden in expected.items():
            with self.subTest(name):
                self.assertEqual(said[name], hidden)
                self.assertEqual(shown[name], hidden or "key  value")
        for line in ("map storage (sk_storage, values of 8)", "map from_host (user_ringbuf, 4096 bytes)"):
            self.assertIn("\n" + line + "\n", text.out)


ITERATE_C = """
#define SEC(name) __attribute__((section(name), used))
typedef unsigned u32;
typedef unsigned long long u64;
struct { int (*type)[1]; int (*max_entries)[8]; u32 *key; u64 *value; } flows SEC(".maps");
struct { int (*type)[2]; int (*max_entries)[2]; u32 *key; u64 *value; } totals SEC(".maps");
struct { int (*type)[2]; u32 *key; u64 *value; } sizeless SEC(".maps");
struct { int (*type)[3]; int (*max_entries)[4]; u32 *key; u32 *value; } calls SEC(".maps");
struct meta { void *seq; u64 session_id, seq_num; };
struct element { struct meta *meta; void *map; u32 *key; u64 *value; };
static void *(*lookup)(void *map, const void *key) = (void *)1;
static long (*update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static long (*print)(void *seq, const char *format, u32 size, const void *data, u32 bytes) = (void *)126;
struct xdp_md { u32 data, data_end; };
SEC("xdp") int judge(struct xdp_md *ctx) {
    u32 size = ctx->data_end - ctx->data;
    u64 one = 1, *there = lookup(&flows, &size);
    if (there) *there += 1; else update(&flows, &size, &one, 0);
    return 2;
}
SEC("xdp") int jump(struct xdp_md *ctx) { tail_call(ctx, &calls, 3); return 2; }
SEC("xdp") int drop(struct xdp_md *ctx) { return 1; }
SEC("xdp") int last(struct xdp_md *ctx) { u32 n = 4; return lookup(&sizeless, &n) ? 2 : 1; }
SEC("iter/bpf_map_elem") int dump(struct element *e) {
    static const char format[] = "%llu: %llu\\n";
    if (!e->key) return 0;
    u64 words[] = {*e->key, *e->value};
    return print(e->meta->seq, format, sizeof format, words, sizeof words);
}
SEC("iter/bpf_map_elem") int fault(struct element *e) { return *(int *)16; }
SEC("iter/bpf_map_elem") int endless(struct element *e) { return 1; }
extern int elsewhere(int) SEC(".ksyms");
SEC("?raw_tp") int odd(void *ctx) { return elsewhere(1); }
char _license[] SEC("license") = "GPL";
"""


class Iterators(CliTest):
    def setUp(self):
        super().setUp()
        self.program = self.object(ITERATE_C)

    def test_text_is_printed(self):
        for vm in self.cli("vms", "--json").json["vms"]:
            result = self.cli("run", self.program, "-p", "dump", "--over", "totals", "--map", "totals=1:5", "--vm", vm["name"])
            self.assert_ends(result, OK, "^$", out="0: 0\n1: 5\n")
        self.assert_ends(self.cli("run", self.program, "-p", "dump", "--over", "flows", "--map", "flows=7:8"), OK, out="7: 8\n")
        result = self.cli("run", self.program, "-p", "dump", "--over", "flows", "--map", "flows=7:8", "--maps", "flows")
        self.assert_ends(result, OK)
        self.assertRegex(result.out, r"^7: 8\n\nmap flows \(hash")

    def test_json(self):
        document = self.cli("run", self.program, "-p", "dump", "--over", "flows", "--map", "flows=7:8", "--json").json
        (row,) = document["iterations"]
        self.assertEqual((row["name"], row["section"], row["map"], row["text"]), ("dump", "iter/bpf_map_elem", "flows", "7: 8\n"))
        document = self.cli("run", self.program, "-p", "fault", "--over", "totals", "--json").json
        self.assertEqual(document["iterations"][0]["fault"]["kind"], "out_of_bounds_read")

    def test_after_packets(self):
        capture = self.file("in.pcap", pcap([bytes(60), bytes(60), bytes(80)]))
        result = self.cli("run", self.program, capture, "-p", "judge", "-p", "dump", "--over", "flows", "--maps", "none")
        self.assert_ends(result, OK, "^$")
        self.assertRegex(result.out, r"XDP_PASS +3")
        self.assertEqual(sorted(result.out.splitlines()[-2:]), ["60: 2", "80: 1"])
        document = self.cli("run", self.program, capture, "-p", "judge", "-p", "dump", "--over", "flows", "--json").json
        self.assertEqual(sorted(document["iterations"][0]["text"].splitlines()), ["60: 2", "80: 1"])
        self.assertEqual(document["packets"], 3)
        result = self.cli("run", self.program, "@64", "-p", "judge", "-p", "dump", "--over", "flows", "--maps", "none")
        self.assert_ends(result, OK, out="r0 = 2 (0x2) XDP_PASS\n64: 1\n")

    def test_failures(self):
        self.assert_ends(self.cli("run", self.program, "-p", "dump"), USAGE, "--over flows, --over sizeless, --over totals", out="")
        self.assert_ends(self.cli("run", self.program, "-p", "dump", "--over", "none"), BAD_INPUT, "the object has no map 'none'", out="")
        self.assert_ends(self.cli("run", self.program, "-p", "dump", "--over", "calls"), UNSUPPORTED, "prog_array", out="")
        self.assert_ends(self.cli("run", self.program, "-p", "dump", "--over", "flows", "@64"), USAGE, "get no memory", out="")
        self.assert_ends(self.cli("run", self.program, "-p", "judge", "--over", "flows", "@64"), USAGE, "iter/bpf_map_elem", out="")
        self.assert_ends(self.cli("run", self.program, "-p", "fault", "--over", "totals"), FAULT, r"fault \(iter/bpf_map_elem\): out_of_bounds_read", out="")
        self.assert_ends(self.cli("run", self.program, "-p", "endless", "--over", "totals"), BAD_INPUT, "EAGAIN", out="")

    def test_the_only_map_needs_no_name(self):
        source = ITERATE_C.replace('totals SEC(".maps")', "totals").replace('sizeless SEC(".maps")', "sizeless")
        path = self.object(source, "one.o")
        self.assert_ends(self.cli("run", path, "-p", "dump", "--map", "flows=1:2"), OK, out="1: 2\n")


class Loaders(CliTest):
    """What the loader of an object decides."""

    def setUp(self):
        super().setUp()
        self.program = self.object(ITERATE_C)

    def test_numbers_of_entries(self):
        result = self.cli("run", self.program, "@64", "-p", "last")
        self.assert_ends(result, BAD_INPUT, "making map sizeless of type array: .*leaves the number of its entries to whoever loads it", out="")
        for number, verdict in (("4", "1 (0x1) XDP_DROP"), ("0x5", "2 (0x2) XDP_PASS")):
            result = self.cli("run", self.program, "@64", "-p", "last", "--max-entries", f"sizeless={number}", "--maps", "none")
            self.assert_ends(result, OK, out=f"r0 = {verdict}\n")
        self.assert_ends(self.cli("run", self.program, "-p", "last", "--max-entries", "none=1"), BAD_INPUT, "the object has no map 'none'")
        self.assert_ends(self.cli("run", self.program, "-p", "last", "--max-entries", "sizeless"), USAGE, "is not written as MAP=NUMBER")
        self.assert_ends(self.cli("run", self.program, "-p", "last", "--max-entries", "sizeless=x"), BAD_INPUT, "number of entries of map 'sizeless'")

    def test_tail_calls(self):
        self.assert_ends(self.cli("run", self.program, "@64", "-p", "jump", "--maps", "none"), OK, out="r0 = 2 (0x2) XDP_PASS\n")
        for vm in self.cli("vms", "--json").json["vms"]:
            result = self.cli("run", self.program, "@64", "-p", "jump", "--map", "calls=3:drop", "--maps", "none", "--vm", vm["name"])
            self.assert_ends(result, OK, out="r0 = 1 (0x1) XDP_DROP\n")
        self.assert_ends(self.cli("run", self.program, "@64", "-p", "jump", "--map", "calls=3:none"), BAD_INPUT, "the object has no program 'none'")
        self.assert_ends(self.cli("run", self.program, "@64", "-p", "jump", "--map", "calls=9:drop"), BAD_INPUT, "E2BIG")
        self.assert_ends(self.cli("run", self.program, "@64", "-p", "jump", "--map", "calls=3"), USAGE, "KEY:VALUE")

    def test_entries_of_maps_that_no_program_reaches(self):
        document = self.cli("run", self.program, "@64", "-p", "drop", "--map", "flows=1:2", "--json").json
        self.assertEqual([(m["name"], m["entries"]) for m in document["maps"]], [("flows", [{"key": 1, "value": 2}])])

    def test_names_of_programs_that_do_not_link(self):
        rows = self.cli("inspect", self.program, "--json").json["programs"]
        (odd,) = [row for row in rows if row["name"] == "odd"]
        self.assertEqual(odd["section"], "?raw_tp")
        self.assertIn("elsewhere", odd["error"])


class Networks(CliTest):
    SOURCE = """
#define SEC(name) __attribute__((section(name), used))
struct __sk_buff;
static long (*clone)(void *ctx, unsigned index, unsigned long long flags) = (void *)13;
SEC("tc") int copy(struct __sk_buff *ctx) { return clone(ctx, 7, 0) ? 2 : 0; }
"""

    def test_network(self):
        path = self.object(self.SOURCE)
        network = self.file("net.json", '{"interfaces": [{"index": 7}]}')
        self.assert_ends(self.cli("run", path, "@64"), OK, out="r0 = 2 (0x2) TC_ACT_SHOT\n")
        result = self.cli("run", path, "@64", "--network", network)
        self.assert_ends(result, OK)
        self.assertRegex(result.out, r"^r0 = 0 \(0x0\) TC_ACT_OK\n(.|\n)*interface 7, a copy +1")
        capture = self.file("in.pcap", pcap([bytes(60)] * 3))
        self.assertRegex(self.cli("run", path, capture, "--network", network).out, r"interface 7, a copy +3")

    def test_wrong_networks(self):
        path = self.object(self.SOURCE)
        for text, message in (("{", "net.json: "), ("[]", "net.json: a network is an object"),
                              ('{"routes": [{"prefix": "x"}]}', 'net.json: route 1: "prefix" is not')):
            self.assert_ends(self.cli("run", path, "@64", "--network", self.file("net.json", text)), BAD_INPUT, message, out="")
        self.assert_ends(self.cli("run", path, "@64", "--network", "nowhere"), IO, "cannot read 'nowhere'", out="")


class Events(CliTest):
    SOURCE = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct event { __u32 size; __u16 port; char name[2]; };
struct other { __u64 a, b; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } perf SEC(".maps");
%s
SEC("xdp") int f(struct xdp_md *ctx) {
    struct { struct event e; char more[4]; } record = {{ctx->data_end - ctx->data, 80, "ab"}, "xyz"};
    struct other o = {1, 2};
    bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &record, sizeof record);
    struct event *e = bpf_ringbuf_reserve(&ring, sizeof *e, 0);
    if (!e) return 0;
    *e = record.e;
    bpf_ringbuf_submit(e, 0);
    bpf_ringbuf_output(&ring, &o, sizeof o, 0);
    return 2;
}
char _license[] SEC("license") = "GPL";
"""
    EVENT = {"size": 64, "port": 80, "name": "ab"}
    RAW = "4000000050006162"

    def records(self, path, *arguments):
        result = self.cli("run", path, "@64", "--json", *arguments)
        self.assert_ends(result, OK, "^$")
        return {m["name"]: m["records"] for m in result.json["maps"] if "records" in m}

    def test_types_are_named(self):
        path = self.object(self.SOURCE % "struct event *keep; struct other *keep_2;")
        other = "0100000000000000" "0200000000000000"
        self.assertEqual(self.records(path, "--event", "ring=event", "--event", "perf=event"),
                         {"ring": [self.EVENT, {**self.EVENT, "size": 1, "port": 0, "name": "", "rest": other[16:]}],
                          "perf": [{**self.EVENT, "rest": "78797a00"}]})
        self.assertEqual(self.records(path, "--event", "ring=event", "--event", "ring=other")["ring"], [self.EVENT, {"a": 1, "b": 2}])
        text = self.cli("run", path, "@64", "--event", "ring=event", "--event", "ring=other").out
        self.assertIn("  records: 2\n  {size=64, port=80, name=ab}\n  {a=1, b=2}\n", text)

    def test_types_are_guessed_by_size(self):
        path = self.object(self.SOURCE % "struct event *keep; struct other *keep_2;")
        self.assertEqual(self.records(path), {"ring": [self.EVENT, {"a": 1, "b": 2}], "perf": [self.RAW + "78797a00"]})
        maps = {m["name"]: m for m in self.cli("run", path, "@64", "--json").json["maps"]}
        self.assertEqual((maps["ring"]["guessed_types"], "guessed_types" in maps["perf"]), (["event", "other"], False))
        self.assertIn("  records: 2 (by their size taken for struct event, other; --event tells)\n  {size=64, port=80, name=ab}\n",
                      self.cli("run", path, "@64").out)
        # Two structs of one size tell nothing, nor does what programs get.
        twice = self.object(self.SOURCE % "struct event *keep; struct { struct event e; } *two; struct same { __u64 a; } *keep_2;", "twice.o")
        self.assertEqual(self.records(twice)["ring"][0], self.RAW)
        context = self.object("""
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
struct event { char name[4]; __u32 size; };
static __attribute__((noinline)) void send(struct event *e) { bpf_ringbuf_output(&ring, e, sizeof *e, 0); }
SEC("xdp") int f(struct xdp_md *ctx) {
    struct event e = {"abc", ctx->data_end - ctx->data};
    char raw[sizeof *ctx] = {1};
    send(&e);
    bpf_ringbuf_output(&ring, raw, sizeof raw, 0);
    return 2;
}
""", "context.o")
        self.assertEqual(self.records(context)["ring"], [{"name": "abc", "size": 64}, "01" + "00" * 23])

    def test_perf_events_have_packets_behind_them(self):
        path = self.object("""
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct event { __u32 size; char name[4]; };
const struct event *unused;
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } perf SEC(".maps");
SEC("xdp") int f(struct xdp_md *ctx) {
    struct event e = {ctx->data_end - ctx->data, "abc"};
    bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU | 3ULL << 32, &e, sizeof e);
    return 2;
}
char _license[] SEC("license") = "GPL";
""", "behind.o")
        self.assertEqual(self.cli("run", path, "hex:" + "0102030405060708" * 8, "--json").json["maps"][0]["records"],
                         [{"size": 64, "name": "abc", "rest": "010203"}])

    def test_types_of_unused_pointers(self):
        path = self.object(self.SOURCE % "const struct event *unused; struct other *unused_2;")
        self.assertEqual(self.records(path), {"ring": [self.EVENT, {"a": 1, "b": 2}], "perf": [self.RAW + "78797a00"]})

    def test_wrong_types(self):
        path = self.object(self.SOURCE % "struct event *keep;")
        for text, code, message in (("ring", USAGE, "'ring' is not written as MAP=STRUCT"),
                                    ("ring=nothing", BAD_INPUT, "--event ring=nothing: the object has no struct 'nothing'"),
                                    ("nothing=event", BAD_INPUT, "the program sends no records to a map 'nothing'")):
            self.assert_ends(self.cli("run", path, "@64", "--event", text), code, message, out="")


class Running(CliTest):
    def run_text(self, text, *arguments, **options):
        return self.cli("run", self.file("p.s", text), *arguments, **options)

    def test_short_form(self):
        program, memory = self.file("p.s", LENGTH), self.file("mem", b"12345")
        self.assert_ends(self.cli(program), OK, out="r0 = 0 (0x0)\n")
        self.assert_ends(self.cli(program, memory), OK, out="r0 = 5 (0x5)\n")
        self.assertEqual(self.cli(program, memory, "--json").json["r0"], 5)
        self.assertEqual(self.cli("--json", program, memory).json["r0"], 5)
        self.assertEqual(self.cli("--json", "run", program, memory).json["r0"], 5)
        self.assert_ends(self.cli("--limit", "100", program), OK, out="r0 = 0 (0x0)\n")

    def test_memory_forms(self):
        for arguments, length in (([], 0), (["@0"], 0), (["@100"], 100), (["@0x10"], 16), (["@2K"], 2048),
                                  (["@64K"], 65536), (["hex:00 11 22"], 3), (["hex:"], 0), (["--mem-hex", "0011"], 2),
                                  (["@1G"], 1 << 30)):
            with self.subTest(arguments):
                self.assertEqual(self.run_text(LENGTH, *arguments, "--json").json["r0"], length)
        self.assert_ends(self.run_text(LENGTH, "-", stdin=b"1234"), OK, out="r0 = 4 (0x4)\n")
        self.assert_ends(self.run_text("ldxh %r0, [%r1+1]\nexit", "hex:01,02:03 0x04"), OK, out="r0 = 770 (0x302)\n")

    def test_bad_memory(self):
        for arguments, code, message in (
                (["@"], USAGE, "after '@' comes a number of bytes"), (["@ten"], USAGE, "after '@'"),
                (["@10X"], USAGE, "after '@'"), (["@-1"], USAGE, "after '@'"),
                (["@99999999999999999999"], BAD_INPUT, "larger than the address space"),
                (["@99999999999999G"], BAD_INPUT, "larger than the address space"),
                (["@9000000000G"], BAD_INPUT, "cannot provide 9663676416000000000 bytes of memory"),
                (["hex:0"], BAD_INPUT, "memory: hexadecimal digits come in pairs"),
                (["--mem-hex", "0q"], BAD_INPUT, "memory: byte 0x71 is no hexadecimal digit"),
                (["missing.bin"], IO, "cannot read 'missing.bin'"), (["."], IO, "Is a directory"),
                (["@8", "--mem-hex", "00"], USAGE, "give the memory once")):
            with self.subTest(arguments):
                self.assert_ends(self.run_text(LENGTH, *arguments), code, message, out="")

    def test_wrong_arguments_are_told_before_the_program_is_read(self):
        for arguments, message in (
                (["@8", "--mem-hex", "00"], "give the memory once"), (["@8", "hex:00"], "'@8' and 'hex:00' are both memory"),
                (["--pin-map", "runs"], "--pin-map needs --pin"), (["@8", "--out", "-"], "--out needs the name of a file")):
            with self.subTest(arguments):
                self.assert_ends(self.cli("run", "missing.o", *arguments), USAGE, message, out="")

    def test_program_and_memory_from_standard_input(self):
        self.assert_ends(self.cli("run", "-", "-"), USAGE, "cannot both be standard input")

    def test_results(self):
        self.assert_ends(self.run_text("mov %r0, -1\nexit"), OK,
                         out="r0 = 18446744073709551615 (0xffffffffffffffff, -1)\n")
        document = self.run_text("mov %r0, -1\nexit", "--json").json
        self.assertEqual((document["r0"], document["r0_hex"]), (2**64 - 1, "0xffffffffffffffff"))
        self.assertEqual(document["program"]["slots"], 2)
        self.assertEqual(document["program"]["format"], "asm")
        self.assertIn(document["vm"], [vm["name"] for vm in self.cli("vms", "--json").json["vms"]])

    def test_faults(self):
        result = self.run_text(OUT_OF_BOUNDS, "@64")
        self.assert_ends(result, FAULT, "pc 0", out="")
        fault = self.run_text(OUT_OF_BOUNDS, "@64", "--json").json["fault"]
        self.assertEqual((fault["kind"], fault["pc"], fault["size"]), ("out_of_bounds_read", 0, 1))
        self.assertEqual((fault["region"], fault["offset"]), ("input", 100))

    def test_limit(self):
        result = self.run_text(ENDLESS, "--limit", "1000", "--json")
        self.assert_ends(result, FAULT)
        self.assertEqual(result.json["fault"]["kind"], "instruction_limit")

    def test_no_bounds_check(self):
        self.assert_ends(self.run_text(OUT_OF_BOUNDS, "hex:" + "07" * 200, "--no-bounds-check"), OK, out="r0 = 7 (0x7)\n")
        peek = "ldxb %r0, [%r1-1]\nexit"
        self.assert_ends(self.run_text(peek, "@64"), FAULT)

    def test_stats(self):
        vms = [vm["name"] for vm in self.cli("vms", "--json").json["vms"]]
        spills = "stxdw [%r10-8], %r2\nldxdw %r0, [%r10-8]\nexit"
        self.assert_ends(self.run_text(spills, "@7", "--vm", "ubpf", "--stats"), OK,
                         "^nothing was counted: backend ubpf does not", out="r0 = 7 (0x7)\n")
        if "llvm" not in vms:
            self.skipTest("no backend that counts")
        result = self.run_text(spills, "@7", "--vm", "llvm", "--stats")
        self.assert_ends(result, OK, r"^counter +count  what is counted\n", out="r0 = 7 (0x7)\n")
        self.assertRegex(result.err, r"(?m)^stack-promotion +1  functions ")
        self.assertRegex(result.err, r"(?m)^loop-budgets +0  loops ")
        self.assertRegex(result.err, r"(?m)^code-bytes +[1-9][0-9]*  bytes of machine code$")
        self.assertEqual(self.run_text(spills, "@7", "--vm", "llvm", "--stats", "--json").json["r0"], 7)
        two = self.object('__attribute__((section("one"))) int f(void *c) { return 1; }'
                          '__attribute__((section("two"))) int g(void *c) { return 2; }')
        result = self.cli("run", two, "-p", "f", "-p", "g", "--vm", "llvm", "--stats")
        self.assert_ends(result, OK, r"^program f \(one\)\ncounter [^$]*\nprogram g \(two\)\ncounter ")

    def test_optimize(self):
        self.assert_ends(self.run_text(RETURN_42, "--optimize-for", "beauty"), USAGE, "beauty", out="")
        for vm in self.cli("vms", "--json").json["vms"]:
            for arguments in (["--optimize-for", "speed"], ["--optimize-for", "size"], ["--cpu", "generic"]):
                self.assert_ends(self.run_text(RETURN_42, "--vm", vm["name"], *arguments), OK, out="r0 = 42 (0x2a)\n")
            if vm["name"] == "llvm":
                self.assert_ends(self.run_text(RETURN_42, "--vm", "llvm", "--cpu", "abacus"), BAD_INPUT,
                                 "CPU 'abacus' is none that LLVM", out="")

    def test_repeat_starts_from_the_same_memory(self):
        increment = "ldxb %r0, [%r1]\nadd %r0, 1\nstxb [%r1], %r0\nexit"
        for memory in ("hex:05", "@1"):
            result = self.run_text(increment, memory, "--repeat", "10")
            self.assert_ends(result, OK)
            self.assertRegex(result.out, r"^r0 = [16] \(0x[16]\)\n10 runs in .*: mean .*, p50 .*, p99 .*, min .*, max ")
        document = self.run_text(increment, "hex:05", "-r", "100", "--json").json
        self.assertEqual((document["r0"], document["ns"]["runs"]), (6, 100))
        self.assertLessEqual(document["ns"]["min"], document["ns"]["p50"])
        self.assertLessEqual(document["ns"]["p50"], document["ns"]["p99"])
        self.assertLessEqual(document["ns"]["p99"], document["ns"]["max"])

    def test_huge_zeros_cost_nothing(self):
        self.assert_ends(self.run_text(LENGTH, "@64G", "--repeat", "3"), OK)

    def test_unknown_vm(self):
        self.assert_ends(self.run_text(RETURN_42, "--vm", "no-such-vm"), UNSUPPORTED, "no-such-vm", out="")

    def test_every_vm(self):
        for vm in self.cli("vms", "--json").json["vms"]:
            self.assert_ends(self.run_text(RETURN_42, "--vm", vm["name"]), OK, out="r0 = 42 (0x2a)\n")

    def test_missing_helper(self):
        self.assert_ends(self.run_text("call 1234\nexit"), BAD_INPUT, "1234.*pc 0", out="")

    def test_helpers(self):
        now = self.run_text("call 5\nexit", "--json").json["r0"]
        self.assertGreater(now, 0)
        self.assertLess(self.run_text("call 7\nexit", "--json").json["r0"], 2**32)
        self.assertLess(self.run_text("call 8\nexit", "--json").json["r0"], os.cpu_count() + 1024)

    def printk(self, text, size=None):
        data = text.encode() + b"\0"
        return self.run_text(f"mov %r2, {len(data) if size is None else size}\nmov %r3, -7\nlddw %r4, 0x1122334455667788\n"
                             "mov %r5, 65\ncall 6\nexit", "hex:" + data.hex())

    def test_trace_printk(self):
        self.assert_ends(self.printk("a=%d b=%llx c=%c 100%%"), OK, r"^a=-7 b=1122334455667788 c=A 100%\n$",
                         out="r0 = 32 (0x20)\n")
        self.assert_ends(self.printk("%u %x\n"), OK, "^4294967289 55667788\n$")
        escape = self.run_text("mov %r2, 3\nmov %r3, 27\ncall 6\nexit", "hex:" + b"%c\0".hex())
        self.assert_ends(escape, OK, r"^\\x1b\n$", out="r0 = 1 (0x1)\n")
        self.assert_ends(self.printk("no string: <%s>"), OK, "^no string: <>$")
        for wrong in ("%d %d %d %d", "%q", "100%", "%lll"):
            self.assert_ends(self.printk(wrong), OK, "^$", out="r0 = 18446744073709551594 (0xffffffffffffffea, -22)\n")
        self.assert_ends(self.printk("no end", 6), OK, "^$", out="r0 = 18446744073709551594 (0xffffffffffffffea, -22)\n")
        self.assert_ends(self.printk("x", 100), FAULT, out="")

    def test_out_needs_packets(self):
        for option in ("--out", "--verdicts"):
            self.assert_ends(self.run_text(RETURN_42, "@8", option, "x"), USAGE, "need packets")
            self.assertFalse((self.folder / "x").exists())


class Xdp(CliTest):
    PACKETS = [frame(b"\2aaa"), frame(b"\1bbb"), frame(b"\2ccc"), frame(b"\3ddd"), frame(b"\0eee"), frame(b"\4fff"),
               b"\2too short", frame(b"\x09ggg")]

    def setUp(self):
        super().setUp()
        self.program = self.file("xdp.s", XDP)

    def run_xdp(self, memory, *arguments, **options):
        return self.cli("run", self.program, memory, "--type", "xdp", *arguments, **options)

    def capture(self, contents=None, name="in.pcap"):
        return self.file(name, pcap(self.PACKETS) if contents is None else contents)

    def test_one_packet(self):
        self.assert_ends(self.run_xdp("hex:02" + "11" * 13), OK, out="r0 = 2 (0x2) XDP_PASS\n")
        self.assert_ends(self.run_xdp(self.file("packet.bin", frame(b"\3"))), OK, out="r0 = 3 (0x3) XDP_TX\n")
        self.assert_ends(self.run_xdp("@1500"), OK, out="r0 = 0 (0x0) XDP_ABORTED\n")
        self.assert_ends(self.run_xdp("hex:09" + "00" * 13), OK, out="r0 = 9 (0x9) invalid action 9\n")
        document = self.run_xdp("hex:02" + "11" * 13, "--json", "--repeat", "3").json
        self.assertEqual((document["action"], document["packet"], document["memory"], document["ns"]["runs"]),
                         ("XDP_PASS", "0212" + "11" * 12, 14, 3))
        for short in ("@0", "@13", "hex:02"):
            self.assert_ends(self.run_xdp(short), BAD_INPUT, r"a packet of \d+ bytes has no Ethernet header", out="")

    def test_one_packet_is_written(self):
        out, verdicts = self.folder / "out.pcap", self.folder / "verdicts.txt"
        for first, written in ((2, 1), (1, 0), (3, 1)):
            result = self.run_xdp(f"hex:{first:02}" + "11" * 13, "--out", out, "--verdicts", verdicts, "-r", "2")
            self.assert_ends(result, OK)
            self.assertIn(f"{written} packets written to {out}\n", result.out)
            self.assertEqual(packets_of(out.read_bytes()), [bytes([first, 0x12] + [0x11] * 12)] * written)
            self.assertEqual(verdicts.read_text(), f"{first}\n")

    def test_section_makes_the_type(self):
        path = self.object(XDP_C)
        self.assert_ends(self.cli("run", path, "hex:02" + "00" * 13), OK, out="r0 = 2 (0x2) XDP_PASS\n")
        self.assert_ends(self.cli("run", path), USAGE, r"program 'by_first_byte' judges packets \(xdp\): give a capture")
        self.assert_ends(self.cli("run", path, "--type", "plain"), FAULT)
        self.assert_ends(self.cli("run", path, "@3G"), BAD_INPUT, "a packet of 3221225472 bytes is larger than 268435456")

    def test_context(self):
        fields = {8: "data_meta", 12: 1, 16: 0, 20: 0}
        for offset, expected in fields.items():
            data = self.cli("run", self.file("f.s", f"ldxw %r0, [%r1+{offset}]\nldxw %r2, [%r1]\n"
                                             + ("sub %r0, %r2\nmov %r2, 0\n" if offset == 8 else "") + "exit"),
                            "@64", "--type", "xdp", "--json").json["r0"]
            self.assertEqual(data, 0 if offset == 8 else expected)
        self.assert_ends(self.cli("run", self.file("f.s", "ldxw %r0, [%r1+24]\nexit"), "@64", "--type", "xdp"), BAD_INPUT,
                         "at pc 0")

    def test_packet_is_fenced(self):
        for offset in (-1, 64):
            program = self.file("f.s", f"ldxw %r2, [%r1]\nldxb %r0, [%r2{offset:+}]\nexit")
            self.assert_ends(self.cli("run", program, "@64", "--type", "xdp"), FAULT, "pc 1")

    def test_capture_table(self):
        result = self.run_xdp(self.capture())
        self.assert_ends(result, OK, "^$")
        rows = re.findall(r"(?m)^(\S.*?) +(\d+) +(\d+\.\d\d)$", result.out)
        self.assertEqual(rows, [("XDP_ABORTED", "1", "12.50"), ("XDP_DROP", "1", "12.50"), ("XDP_PASS", "2", "25.00"),
                                ("XDP_TX", "1", "12.50"), ("XDP_REDIRECT", "1", "12.50"), ("invalid action 9", "1", "12.50"),
                                ("too short", "1", "12.50"), ("total", "8", "100.00"), ("nowhere", "1", "12.50")])
        self.assertRegex(result.out, r"\n8 packets, 122 bytes, backend \w+\n"
                                     r"8 runs in .*: .* packets/s, reading included; one packet p50 .*, p99 ")

    def test_capture_json(self):
        document = self.run_xdp(self.capture(), "--json").json
        self.assertEqual(document["actions"], {"XDP_ABORTED": 1, "XDP_DROP": 1, "XDP_PASS": 2, "XDP_TX": 1,
                                               "XDP_REDIRECT": 1, "invalid action 9": 1})
        self.assertEqual((document["packets"], document["bytes"], document["too_short"], document["faults"]), (8, 122, 1, {}))
        self.assertEqual((document["ns"]["runs"], document["ns"]["timed"]), (8, 8))
        self.assertGreater(document["packets_per_second"], 0)

    def test_out_and_verdicts(self):
        out, verdicts = self.folder / "out.pcap", self.folder / "verdicts.txt"
        result = self.run_xdp(self.capture(), "--out", out, "--verdicts", verdicts, "--repeat", "3")
        self.assert_ends(result, OK)
        self.assertIn(f"3 packets written to {out}\n", result.out)
        self.assertEqual(packets_of(out.read_bytes()), [frame(b"\2baa"), frame(b"\2dcc"), frame(b"\3edd")])
        self.assertEqual(verdicts.read_text(), "2\n1\n2\n3\n0\n4\ntoo short\n9\n")
        self.assertEqual(self.run_xdp(out, "--json").json["actions"]["XDP_PASS"], 2)

    def test_out_errors(self):
        capture = self.capture()
        before = pathlib.Path(capture).read_bytes()
        self.assert_ends(self.run_xdp(capture, "--out", capture), USAGE, "is the capture that is being read")
        self.assertEqual(pathlib.Path(capture).read_bytes(), before)
        self.assert_ends(self.run_xdp(capture, "--out", "missing/out.pcap"), IO, "cannot write 'missing/out.pcap'")
        self.assert_ends(self.run_xdp(capture, "--verdicts", "missing/v"), IO, "cannot write 'missing/v'")
        self.assert_ends(self.run_xdp(capture, "--out", "-"), USAGE, "--out needs the name of a file")
        self.assert_ends(self.run_xdp(capture, "--out", "/dev/full"), IO, "cannot write '/dev/full'")
        self.assert_ends(self.run_xdp(capture, "--verdicts", "/dev/full"), IO, "cannot write '/dev/full'")

    def test_kinds_of_captures(self):
        for name, contents in (("nano.pcap", pcap(self.PACKETS, magic=0xA1B23C4D)), ("x.pcapng", pcapng(self.PACKETS)),
                               ("no-extension", pcap(self.PACKETS))):
            with self.subTest(name):
                out = self.folder / "out.pcap"
                result = self.run_xdp(self.file(name, contents), "--json", "--out", out)
                self.assert_ends(result, OK, "^$")
                self.assertEqual(result.json["actions"]["XDP_DROP"], 1)
                self.assertEqual(len(packets_of(out.read_bytes())), 3)
        document = self.run_xdp("-", "--json", stdin=pcap(self.PACKETS)).json
        self.assertEqual((document["packets"], document["capture"]), (8, "standard input"))

    def test_empty_capture(self):
        result = self.run_xdp(self.capture(pcap([])))
        self.assert_ends(result, OK, "^$")
        self.assertRegex(result.out, r"(?m)^total +0 +0.00$")
        self.assertEqual(self.run_xdp(self.capture(pcap([b""])), "--json").json["too_short"], 1)

    def test_truncated_captures(self):
        whole = pcap(self.PACKETS)
        result = self.run_xdp(self.capture(whole[:-2]), "--json", "--out", "out.pcap")
        self.assert_ends(result, BAD_INPUT, "capture '.*in.pcap' is damaged after 7 packets: truncated dump file")
        self.assertEqual(result.json["packets"], 7)
        self.assertIn("damaged after 7 packets", result.json["stopped_by"])
        self.assertEqual(len(packets_of((self.folder / "out.pcap").read_bytes())), 3)
        self.assert_ends(self.run_xdp(self.capture(whole[:10])), BAD_INPUT, "truncated dump file", out="")
        for size in range(4, 24):
            self.assert_ends(self.run_xdp(self.capture(whole[:size])), BAD_INPUT, "capture '.*'")
        huge = whole[:24] + struct.pack("<IIII", 0, 0, 0xFFFFFFF0, 0xFFFFFFF0)
        self.assert_ends(self.run_xdp(self.capture(huge)), BAD_INPUT, "damaged after 0 packets")

    def test_cut_packets_are_counted(self):
        result = self.run_xdp(self.capture(pcap([frame(b"\2aaa"), frame(b"\2bbb")], wire_lengths=[1500, 16])))
        self.assertIn("2 packets, 32 bytes (1 packets cut when captured)", result.out)

    def test_other_link_types_are_warned_about(self):
        result = self.run_xdp(self.capture(pcap(self.PACKETS, link_type=113)))
        self.assert_ends(result, OK, "warning: capture '.*' holds LINUX_SLL packets, but the programs expect Ethernet")

    def test_faults_are_counted_and_do_not_stop(self):
        reader = self.file("reader.s", "ldxw %r2, [%r1]\nldxb %r0, [%r2+15]\nmov %r0, 2\nexit")
        capture = self.capture(pcap([*self.PACKETS[:6], bytes(14), *self.PACKETS[6:]]))
        result = self.cli("run", reader, capture, "--type", "xdp", "--verdicts", "v")
        self.assert_ends(result, FAULT, "1 of 9 packets faulted; packet 7: .*pc 1")
        self.assertRegex(result.out, r"(?m)^fault out_of_bounds_read +1 +11.11$")
        self.assertEqual((self.folder / "v").read_text().split("\n")[6:8], ["fault out_of_bounds_read", "too short"])
        document = self.cli("run", reader, capture, "--type", "xdp", "--json").json
        self.assertEqual(document["faults"], {"out_of_bounds_read": 1})
        self.assertEqual(document["first_fault"]["pc"], 1)
        self.assertEqual(document["actions"]["XDP_PASS"], 7)

    def test_helpers_of_packets_are_for_packets(self):
        program = self.file("h.s", "call 188\nexit")
        self.assert_ends(self.cli("run", program, self.capture()), BAD_INPUT, "188", out="")
        self.assert_ends(self.cli("run", program, "@77", "--type", "xdp"), OK, out="r0 = 77 (0x4d) invalid action 77\n")

    def test_plain_program_over_a_capture(self):
        program = self.file("len.s", LENGTH)
        out = self.folder / "out.pcap"
        capture = self.capture(pcap([b"aaaa", b"", b"bbbb", b"c"]))
        result = self.cli("run", program, capture, "--out", out)
        self.assert_ends(result, OK)
        self.assertRegex(result.out, r"(?m)^4 \(0x4\) +2 +50.00$")
        self.assertEqual(packets_of(out.read_bytes()), [b"aaaa", b"bbbb", b"c"])
        document = self.cli("run", program, capture, "--json").json
        self.assertEqual(document["results"], [{"r0": 0, "packets": 1}, {"r0": 1, "packets": 1}, {"r0": 4, "packets": 2}])

    def test_many_different_results_are_bounded(self):
        program = self.file("id.s", "ldxw %r0, [%r1]\nexit")
        capture = self.capture(pcap([struct.pack("<I", i) for i in range(5000)]))
        document = self.cli("run", program, capture, "--json").json
        self.assertEqual((len(document["results"]), document["other_results"]), (4096, 5000 - 4096))
        self.assertRegex(self.cli("run", program, capture).out, r"(?m)^other results +4980 +99.60$")


class Packets(CliTest):
    HEADS = [b"\1", b"\2", b"\3", b"\4\1", b"\4\2", b"\5", b"\6", b"\7", b"\x08", b"\x09", b"\x0a", b"\x0b", b"\x0b"]

    def setUp(self):
        super().setUp()
        self.program = self.object(CHAIN_C)
        self.capture = self.file("in.pcap", pcap([frame(head) for head in self.HEADS]))

    def chain(self, *arguments, programs=("first", "longer", "last")):
        chosen = [word for name in programs for word in ("-p", name)]
        return self.cli("run", self.program, self.capture, *chosen, "--map", "ports=2:44", *arguments)

    def test_each_gets_what_passed_the_one_before(self):
        out = self.folder / "out.pcap"
        for vm in self.cli("vms", "--json").json["vms"]:
            result = self.chain("--json", "--out", out, "--verdicts", "v", "--vm", vm["name"])
            self.assert_ends(result, OK, "^$")
            first, longer, last = result.json["programs"]
            self.assertEqual([p["packets"] for p in result.json["programs"]], [13, 6, 5])
            self.assertEqual(first["actions"], {"XDP_ABORTED": 0, "XDP_DROP": 2, "XDP_PASS": 6, "XDP_TX": 1, "XDP_REDIRECT": 4})
            self.assertEqual((longer["actions"]["XDP_DROP"], longer["actions"]["XDP_PASS"]), (1, 5))
            self.assertEqual(last["actions"], {"TC_ACT_OK": 3, "TC_ACT_SHOT": 1, "TC_ACT_REDIRECT": 1})
            self.assertEqual(packets_of(out.read_bytes()), [frame(b"\2\x6f\2\1", 18), frame(b"\3\1"),
                                                           *[frame(b"\x0b\x6f\x0b\1", 18)] * 2])
            self.assertEqual((self.folder / "v").read_text().split(), "1 0 3 4 1 4 4 4 1 2 7 0 0".split())

    def test_order_is_that_of_the_command_line(self):
        programs = self.chain("--json", programs=("longer", "first")).json["programs"]
        self.assertEqual([(p["name"], p["type"], p["packets"]) for p in programs], [("longer", "xdp", 13), ("first", "xdp", 12)])
        text = self.cli("run", self.program, self.capture, "-p", "longer", "-p", "last").out
        self.assertRegex(text, r"^program longer \(xdp\)\naction(.|\n)*\nprogram last \(tc\)\naction")
        self.assert_ends(self.cli("inspect", self.program, "-p", "first", "-p", "last"), USAGE, "one --program at a time")

    def test_redirections_are_counted(self):
        result = self.chain("--maps", "none")
        rows = re.findall(r"(?m)^(\S.*?) +(\d+) +\d+\.\d\d$", result.out)
        for row in (("interface 7", "1"), ("ports[2] (interface 44)", "1"), ("all of ports", "1"), ("nowhere", "1"),
                    ("interface 3, receiving", "1"), ("interface 1, a copy", "2")):
            self.assertIn(row, rows)
        first, _, last = self.chain("--json").json["programs"]
        self.assertEqual(sum(r["packets"] for r in first["redirections"]), 4)
        self.assertIn({"map": "ports", "key": 2, "interface": 44, "flags": 1, "copy": False, "packets": 1}, first["redirections"])
        self.assertIn({"interface": 1, "flags": 0, "copy": True, "packets": 2}, last["redirections"])
        document = self.cli("run", self.program, "hex:05" + "00" * 13, "-p", "first", "--json").json
        self.assertEqual(document["redirections"], [{"interface": 7, "flags": 0, "copy": False, "packets": 1}])

    def test_one_packet_through_several(self):
        packet = self.file("packet.bin", frame(b"\2"))
        result = self.cli("run", self.program, packet, "-p", "first", "-p", "longer", "--maps", "none")
        self.assert_ends(result, OK, "^first 1\n$", out="first (xdp): r0 = 2 (0x2) XDP_PASS\nlonger (xdp): r0 = 2 (0x2) XDP_PASS\n")
        document = self.cli("run", self.program, packet, "-p", "first", "-p", "longer", "--json").json
        self.assertEqual([(p["name"], p["action"]) for p in document["programs"]], [("first", "XDP_PASS"), ("longer", "XDP_PASS")])
        self.assertEqual((document["packet"], document["trace"]), (frame(b"\2\x0b\2\1", 18).hex(), ["first 1"]))

    def test_packets_out_begin_and_end_where_programs_left_them(self):
        path = self.object(MOVING_C, "moving.o")
        link, payload = bytes.fromhex("020000000001" "020000000002" "0800"), bytes.fromhex(
            "4500002800000000" "40110000" "c0000201" "c0000202") + bytes(range(20))
        ip6 = link[:12] + b"\x86\xdd" + b"\x60" + bytes(5) + b"\x29" + bytes(33)
        # As the kernel's test run gives them; where programs see no Ethernet header, that gives one of zeros.
        expected = {"head": bytes(14) + link + payload, "tail": link + payload[:-6], "longer_tail": link + payload + bytes(6),
                    "room": link + bytes(8) + payload, "less_room": link + payload[8:], "encap": link + bytes(20) + payload,
                    "proto": link + bytes(20) + payload, "tags": link[:12] + b"\x81\0\0\5\x08\0" + payload,
                    "network_head": link + bytes(14) + payload, "network_tail": link + payload[:-3],
                    "encap_ip6": ip6 + payload, "none": link + payload}
        out = self.folder / "moved.pcap"
        for vm in self.cli("vms", "--json").json["vms"]:
            for name, packet in expected.items():
                with self.subTest(vm=vm["name"], program=name):
                    document = self.cli("run", path, "hex:" + (link + payload).hex(), "-p", name, "-o", out, "--vm", vm["name"],
                                        "--json", "--repeat", "2").json
                    self.assertEqual(document["packet"], packet.hex())
                    self.assertEqual(packets_of(out.read_bytes()), [packet])

    def test_programs_of_other_types_get_packets_as_they_were_left(self):
        path = self.object(MOVING_C, "moving.o")
        capture = self.file("two.pcap", pcap([bytes(12) + b"\x08\0\x45" + bytes(39)] * 2))

        def lengths(*programs):
            chosen = [word for name in programs for word in ("-p", name)]
            return self.cli("run", path, capture, *chosen, "--json").json["trace"]

        self.assertEqual(lengths("head", "tc_length", "action_length", "xdp_length"), ["tc 68", "action 68", "xdp 68"] * 2)
        self.assertEqual(lengths("xdp_length", "tail", "xdp_length"), ["xdp 54", "xdp 48"] * 2)
        self.assertEqual(lengths("encap_ip6", "network_head", "tc_length", "cgroup_length"), ["tc 108", "cgroup 94"] * 2)

    def test_what_programs_print(self):
        self.assert_ends(self.chain(), OK, "^(first 1\n){6}$")
        document = self.chain("--json", "--repeat", "200").json
        self.assertEqual((document["trace"], document["trace_lines"]), (["first 1"] * 1024, 1200))

    def test_types_see_their_part_of_packets(self):
        packet = bytes.fromhex("020000000001" "020000000002" "0800") + b"\x45" + bytes(19)
        source = """
#define SEC(name) __attribute__((section(name), used))
struct __sk_buff { unsigned len, pkt_type, mark, queue, protocol, other[8], ifindex2, data2; };
static long (*load)(void *, unsigned, void *, unsigned) = (void *)26;
SEC("%s") int f(struct __sk_buff *skb) {
    unsigned char first = 0;
    if (load(skb, 0, &first, 1)) return -1;
    return first << 16 | skb->pkt_type << 8 | skb->len;
}
"""
        for section, first, size in (("tc", 2, 34), ("socket", 0x45, 20), ("cgroup_skb/egress", 0x45, 20), ("lwt_in", 0x45, 20)):
            path = self.object(source % section, "types.o")
            r0 = self.cli("run", path, "hex:" + packet.hex(), "--json").json["r0"]
            self.assertEqual(r0, first << 16 | 3 << 8 | size, section)

    def test_timers_run_between_packets(self):
        source = """
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name
static void *(*lookup)(void *, const void *) = (void *)1;
static long (*init)(void *, void *, unsigned long long) = (void *)169;
static long (*set)(void *, void *) = (void *)170;
static long (*start)(void *, unsigned long long, unsigned long long) = (void *)171;
struct bpf_timer { unsigned long long opaque[2]; };
struct value { unsigned long long calls; struct bpf_timer timer; };
struct { __uint(type, 2); __uint(max_entries, 1); __type(key, int); __type(value, struct value); } timers SEC(".maps");
int bad;
static int called(void *map, int *key, struct value *v) { return bad ? *(volatile int *)4096 : ++v->calls; }
SEC("xdp") int f(void *ctx) {
    int key = 0;
    struct value *v = lookup(&timers, &key);
    if (!v) return 0;
    if (!init(&v->timer, &timers, 1)) set(&v->timer, called);
    start(&v->timer, 0, 0);
    return v->calls;
}
"""
        path = self.object(source, "timers.o")
        document = self.cli("run", path, self.capture, "--json").json
        packets = document["packets"]
        self.assertEqual(document["timers"], {"ran": packets, "faulted": 0})
        self.assert_ends(self.cli("run", path, self.capture, "--set", "bad=1"), FAULT,
                         f"timers: {packets} of {packets} callbacks faulted")

    def test_type_of_the_command_line(self):
        program = self.file("len.s", "ldxw %r0, [%r1]\nexit")
        for name, verdict in (("tc", "16 (0x10) invalid action 16"), ("socket", "2 (0x2)"), ("cgroup_skb", "2 (0x2)"),
                              ("sk_skb", "2 (0x2) invalid action 2"), ("lwt_xmit", "2 (0x2) BPF_DROP")):
            self.assert_ends(self.cli("run", program, "@16", "--type", name), OK, out=f"r0 = {verdict}\n")
        self.assert_ends(self.cli("run", self.program, "@16", "-p", "last", "--type", "xdp"), BAD_INPUT, "program 'last': ")

    def test_times_of_large_captures_are_samples(self):
        capture = self.file("large.pcap", pcap([frame(b"\1")] * 20000))
        document = self.cli("run", self.program, capture, "-p", "first", "--repeat", "2", "--json").json
        self.assertEqual((document["packets"], document["ns"]["runs"], document["actions"]["XDP_DROP"]), (20000, 40000, 20000))
        self.assertLess(document["ns"]["timed"], 16384)
        self.assertGreater(document["ns"]["timed"], 8191)
        self.assertRegex(self.cli("run", self.program, capture, "-p", "first").out, r"p99 .* \(of \d+ timed\)\n")

    def test_byte_orders_of_captures(self):
        little = pathlib.Path(self.capture).read_bytes()
        big = struct.pack(">IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)
        for i, packet in enumerate(packets_of(little)):
            big += struct.pack(">IIII", i, i, len(packet), 1500) + packet
        document = self.cli("run", self.program, self.file("big.pcap", big), "-p", "first", "--json", "--out", "o").json
        self.assertEqual((document["packets"], document["cut_packets"], document["actions"]["XDP_PASS"]), (13, 13, 6))
        written = (self.folder / "o").read_bytes()
        self.assertEqual(struct.unpack_from("<IIII", written, 24), (1, 1, 16, 1500))

    def test_types_of_the_target(self):
        source = """
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct record { int %s; };
#pragma clang attribute pop
__attribute__((section("raw_tp"), used)) int f(struct record *r) { return r->wanted; }
"""
        path, target = self.object(source % "wanted", "prog.o"), self.object(source % "other; int wanted", "target.o")
        self.assert_ends(self.cli("run", path, "hex:0100000002000000"), OK, out="r0 = 1 (0x1)\n")
        self.assert_ends(self.cli("run", path, "hex:0100000002000000", "--btf", target), OK, out="r0 = 2 (0x2)\n")
        self.assertIn("+4]", self.cli("disasm", path, "--btf", target).out)
        self.assert_ends(self.cli("run", path, "--btf", "missing"), IO, "cannot read 'missing': No such file", out="")
        self.assert_ends(self.cli("run", self.file("p.s", RETURN_42), "--btf", target), USAGE, "--btf is for objects")


class Example(CliTest):
    def test_firewall(self):
        folder = VM / "example" / "xdp_firewall"
        path = self.object((folder / "xdp_firewall.bpf.c").read_text())
        out, verdicts = self.folder / "out.pcap", self.folder / "verdicts.txt"
        result = self.cli("run", path, folder / "traffic.pcap", "--json", "--out", out, "--verdicts", verdicts)
        self.assert_ends(result, OK, "^$")
        expected = dict(line.split() for line in (folder / "expected.txt").read_text().splitlines())
        self.assertEqual({k: str(v) for k, v in result.json["actions"].items()}, expected)
        self.assertEqual(verdicts.read_text(), (folder / "expected_verdicts.txt").read_text())
        sent = [p for p, v in zip(packets_of((folder / "traffic.pcap").read_bytes()), verdicts.read_text().split())
                if v in "23"]
        self.assertEqual(len(packets_of(out.read_bytes())), len(sent))
        answered = packets_of((folder / "expected_tx.pcap").read_bytes())
        written = packets_of(out.read_bytes())
        passed = [v for v in verdicts.read_text().split() if v in "23"]
        self.assertEqual([p for p, v in zip(written, passed) if v == "3"], answered)

    def test_firewall_for_every_cpu_version(self):
        folder = VM / "example" / "xdp_firewall"
        expected = dict(line.split() for line in (folder / "expected.txt").read_text().splitlines())
        for cpu in ("v1", "v2", "v4"):
            result = self.cli("run", folder / "xdp_firewall.bpf.c", folder / "traffic.pcap", f"-mcpu={cpu}", "--json")
            self.assert_ends(result, OK, "^$")
            self.assertEqual({k: str(v) for k, v in result.json["actions"].items()}, expected)

    def test_traffic_count(self):
        capture = VM / "example" / "xdp_firewall" / "traffic.pcap"
        protocols, flows, oversized, blocked = {}, {}, 0, 0
        for packet in packets_of(capture.read_bytes()):
            if len(packet) < 34 or packet[12:14] != b"\x08\x00":
                continue
            protocols[packet[23]] = protocols.get(packet[23], 0) + 1
            flow = struct.unpack(">II", packet[26:34])
            packets, size = flows.get(flow, (0, 0))
            flows[flow] = (packets + 1, size + len(packet))
            blocked += flow[0] == 0xC0000201
            oversized += flow[0] != 0xC0000201 and len(packet) > 500
        for vm in self.cli("vms", "--json").json["vms"]:
            result = self.cli("run", VM / "example" / "traffic_count" / "traffic_count.bpf.c", capture, "--vm", vm["name"],
                              "--set", "limit=500", "--map", "blocked=0xc0000201:1", "--json")
            self.assert_ends(result, OK, "^$")
            maps = {m["name"]: m for m in result.json["maps"]}
            self.assertEqual({e["key"]: e["value"] for e in maps["protocols"]["entries"]}, protocols)
            self.assertEqual({(e["key"]["from"], e["key"]["to"]): (e["value"]["packets"], e["value"]["bytes"])
                              for e in maps["flows"]["entries"]}, flows)
            self.assertEqual((maps["events"]["count"], maps[".bss"]["variables"]), (blocked, {"oversized": oversized}))
            self.assertEqual(result.json["actions"]["XDP_DROP"], blocked + oversized)


class Cc(CliTest):
    def test_default_name(self):
        for name in ("fw.c", "fw.bpf.c"):
            self.assert_ends(self.cli("cc", self.file(name, XDP_C)), OK, "^$", out="")
            (self.folder / "fw.bpf.o").unlink()

    def test_json(self):
        document = self.cli("cc", self.file("fw.c", XDP_C), "--json").json
        self.assertEqual(document["out"], "fw.bpf.o")
        self.assertEqual([(p["name"], p["section"]) for p in document["programs"]], [("by_first_byte", "xdp")])

    def test_cpu_versions(self):
        source = self.file("div.c", "unsigned long f(unsigned long *p) { return *p / 3 + (int)p[1]; }")
        for cpu, lowest in (("v4", "v4"), ("v1", "v1")):
            self.cli("cc", source, f"-mcpu={cpu}", "-o", "div.o")
            self.assertEqual(self.cli("inspect", "div.o", "--json").json["programs"][0]["cpu"], lowest)
        self.assert_ends(self.cli("cc", source, "-mcpu=v99"), BAD_INPUT, "v99")

    def test_further_arguments(self):
        source = self.file("d.c", "int f(void) { return ANSWER; }")
        self.assert_ends(self.cli("cc", source), BAD_INPUT, "ANSWER(.|\n)*d.c: 'clang.*' refused it")
        self.assertFalse((self.folder / "d.bpf.o").exists())
        self.assert_ends(self.cli("cc", source, "-o", "d.o", "--", "-DANSWER=42"), OK)
        self.assert_ends(self.cli("run", "d.o"), OK, out="r0 = 42 (0x2a)\n")
        self.assert_ends(self.cli("cc", "-", "-o", "-", "--", "-DANSWER=7", stdin="int f(void) { return ANSWER; }"), OK)

    def test_standard_streams(self):
        result = self.cli("cc", "-", "-o", "-", stdin="int f(void) { return 42; }")
        self.assert_ends(result, OK)
        self.assertEqual(result.raw[:4], b"\x7fELF")
        self.assert_ends(self.cli("cc", "-", stdin="int f(void) { return 42; }"), USAGE, "name the object with -o")

    def test_names_that_look_like_options(self):
        self.file("-x.c", "int f(void) { return 42; }")
        self.assert_ends(self.cli("cc", "./-x.c", "-o", "x.o"), OK)

    def test_errors(self):
        self.assert_ends(self.cli("cc", "missing.c"), IO, "cannot read 'missing.c'|No such file")
        self.assert_ends(self.cli("cc", self.file("bad.c", "int f(")), BAD_INPUT, "error: (.|\n)*refused it", out="")
        self.assert_ends(self.cli("cc", self.file("ok.c", XDP_C), "-o", "missing/x.o"), IO, "cannot write 'missing/x.o'")

    def test_clang_is_missing_or_old(self):
        source = self.file("ok.c", XDP_C)
        remedy = "apt-get install clang-19"
        self.assert_ends(self.cli("cc", source, env={"BPFTIME_VM_CLANG": "/nonexistent/clang"}), UNSUPPORTED,
                         "BPFTIME_VM_CLANG names '/nonexistent/clang', which is no clang that runs: .*" + remedy)
        self.assert_ends(self.cli("cc", source, env={"PATH": "/nonexistent"}), UNSUPPORTED, "none in PATH: .*" + remedy)
        old = self.file("old-clang", "#!/bin/sh\necho 'Debian clang version 14.0.6'\n")
        os.chmod(old, 0o755)
        self.assert_ends(self.cli("cc", source, env={"BPFTIME_VM_CLANG": old}), UNSUPPORTED,
                         "needs clang 18 or later, but '.*old-clang' is version 14: .*" + remedy)

    def test_chosen_clang_is_used(self):
        clang = shutil.which("clang-19") or shutil.which("clang-20") or shutil.which("clang")
        result = self.cli("cc", self.file("ok.c", XDP_C), env={"BPFTIME_VM_CLANG": clang, "BPFTIME_LOG_LEVEL": "debug"})
        self.assert_ends(result, OK, f"running {re.escape(clang)} -target bpf")


class Text(CliTest):
    def test_asm_and_disasm_are_inverse(self):
        text = self.file("p.s", XDP)
        self.assert_ends(self.cli("asm", text, "-o", "p.bin"), OK, "^$", out="")
        code = (self.folder / "p.bin").read_bytes()
        self.assertEqual(len(code), 6 * 8)
        self.assertEqual(self.cli("asm", text).raw, code)
        for options in ([], ["--pc"]):
            again = self.cli("disasm", "p.bin", *options)
            self.assert_ends(again, OK, "^$")
            self.assertEqual(self.cli("asm", "-", stdin=again.out).raw, code)

    def test_asm_forms(self):
        text = self.file("p.s", RETURN_42)
        hexadecimal = "b7 00 00 00 2a 00 00 00\n95 00 00 00 00 00 00 00\n"
        self.assert_ends(self.cli("asm", text, "--hex"), OK, out=hexadecimal)
        code, shown = self.on_terminal("asm", text)
        self.assertEqual((code, shown.replace("\r", "")), (OK, hexadecimal))
        self.assertEqual(self.cli("asm", text, "--json").json,
                         {"path": text, "slots": 2, "hex": "b70000002a0000009500000000000000", "valid": True})

    def test_asm_writes_programs_that_would_not_load(self):
        result = self.cli("asm", self.file("p.s", "ja +5\n"), "-o", "p.bin")
        self.assert_ends(result, OK, "warning: .*p.s: will not load: jump target 6 outside the program")
        self.assertEqual((self.folder / "p.bin").read_bytes(), bytes.fromhex("0500050000000000"))

    def test_asm_errors(self):
        self.assert_ends(self.cli("asm", self.file("p.s", "mov %r11, 1")), BAD_INPUT, "Invalid register '%r11'.*line 1", out="")
        self.assert_ends(self.cli("asm", self.file("p.s", RETURN_42), "-o", "missing/p.bin"), IO, "cannot write")

    def test_disasm_styles(self):
        program = self.file("p.s", "lddw %r1, 0x1122334455667788\nadd32 %r1, 1\nexit\n")
        self.assert_ends(self.cli("disasm", program), OK, out="lddw %r1, 0x1122334455667788\nadd32 %r1, 1\nexit\n")
        self.assert_ends(self.cli("disasm", program, "--style", "c", "--pc"), OK,
                         out="0: r1 = 0x1122334455667788 ll\n2: w1 += 1\n3: exit\n")
        rows = self.cli("disasm", program, "--json").json["instructions"]
        self.assertEqual([r["pc"] for r in rows], [0, 2, 3])
        self.assertEqual(rows[0]["bytes"], "18 01 00 00 88 77 66 55 00 00 00 00 44 33 22 11")

    def test_disasm_names_functions(self):
        path = self.object(XDP_C)
        lines = self.cli("disasm", path).out.splitlines()
        self.assertEqual([l for l in lines if l.startswith("#")], ["# by_first_byte", "# judge"])
        self.assertEqual(self.cli("asm", "-", stdin="\n".join(lines)).raw, self.cli("asm", path).raw)

    def test_disasm_errors(self):
        self.assert_ends(self.cli("disasm", self.file("p", b"\xff" + bytes(7))), BAD_INPUT, "unknown opcode 0xff at pc 0", out="")
        self.assert_ends(self.cli("disasm", self.file("p", b"")), BAD_INPUT, "empty program", out="")


class Inspect(CliTest):
    LOOP = ("lddw %r1, 10\nagain: add %r0, 1\nsub %r1, 1\njne %r1, 0, again\ncall local f\nexit\n"
            "mov %r0, 1\nexit\nf: call 5\ncall 999\nexit\n")

    def test_json(self):
        document = self.cli("inspect", self.file("p.s", self.LOOP), "--json").json
        (program,) = document["programs"]
        self.assertEqual((program["slots"], program["instructions"]), (12, 11))
        self.assertEqual((program["reachable"], program["unreachable"]), (9, 2))
        self.assertEqual(program["cpu"], "v1")
        self.assertEqual(program["lddw"], {"imm64": 1})
        self.assertEqual([(e["from"], e["to"]) for e in program["back_edges"]], [(4, 2)])
        self.assertEqual([(h["id"], h["name"], h["pcs"], h["provided"]) for h in program["helpers"]],
                         [(5, "bpf_ktime_get_ns", [9], True), (999, "", [10], False)])
        self.assertEqual([(f["begin"], f["end"], f["calls"]) for f in program["functions"]], [(0, 9, [9]), (9, 12, [])])
        self.assertEqual(sum(program["groups"].values()), 11)
        self.assertEqual([(b["begin"], b["next"], b["reachable"]) for b in program["blocks"]],
                         [(0, [2], True), (2, [5, 2], True), (5, [], True), (7, [], False), (9, [], True)])

    def test_text(self):
        result = self.cli("inspect", self.file("p.s", self.LOOP), "--blocks")
        self.assert_ends(result, OK, "^$")
        for line in ("slots          12 (96 bytes)", "instructions   11: 9 reachable, 2 not", "lowest -mcpu   v1",
                     "basic blocks   5", "back edges     1", "helper         5 bpf_ktime_get_ns at 9",
                     "helper         999 (not provided by bpftime-cli) at 10", "lddw           imm64 1"):
            self.assertIn(line, result.out)

    def test_object(self):
        path = self.object(MANY_C)
        result = self.cli("inspect", path)
        self.assert_ends(result, OK, "^$")
        for program in ("first (xdp)", "second (xdp)", "third (tc)", "with_map (socket)"):
            self.assertIn("program " + program, result.out)
        self.assertIn("cannot run     ", result.out)
        self.assertIn("making map sessions", result.out)
        document = self.cli("inspect", path, "--json").json
        self.assertIn({"name": ".maps", "bytes": 8, "executable": False}, document["sections"])
        self.assertEqual([f["name"] for f in document["functions"] if f["program"]],
                         ["first", "second", "third", "with_map", "with_data"])
        self.assertEqual(["cannot_run" in p for p in document["programs"]], [False, False, False, True, False])
        self.assertEqual([p["type"] for p in document["programs"]], ["xdp", "xdp", "tc", "socket", "socket"])

    def test_choice(self):
        path = self.object(MANY_C)
        document = self.cli("inspect", path, "-p", "third", "--json").json
        self.assertEqual([p["name"] for p in document["programs"]], ["third"])
        self.assertIn("making map sessions", self.cli("inspect", path, "-p", "with_map").out)
        self.assert_ends(self.cli("inspect", path, "-s", "xdp"), BAD_INPUT, "2 programs to choose from", out="")
        self.assert_ends(self.cli("inspect", self.file("p.s", RETURN_42), "-p", "x"), USAGE, "choose from an object")

    def test_variables_have_types_of_c(self):
        source = """#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct config { __u32 limit; } *config;
int list[4];
char text[8] = "abc";
const volatile double ratio = 0.5;
static volatile long hidden = -1;
SEC("xdp") int p(struct xdp_md *ctx) { return list[0] + text[0] + (config != 0) + hidden + (ratio != 0); }
""".replace("(ratio != 0)", "*(volatile int *)&ratio")
        variables = self.cli("inspect", self.object(source, "typed.o"), "--json").json["variables"]
        self.assertEqual({v["name"]: (v["type"], v["value"]) for v in variables},
                         {"config": ("struct config *", "0x0"), "list": ("int[4]", [0] * 4), "text": ("char[8]", "abc"),
                          "ratio": ("double", 0.5), "hidden": ("long", -1)})
        # Of objects without types, symbols tell.
        plain = self.object(source, "plain.o", "--", "-g0")
        variables = self.cli("inspect", plain, "--json").json["variables"]
        self.assertEqual({v["name"]: (v["type"], v["value"]) for v in variables},
                         {"config": ("-", 0), "list": ("-", "00" * 16), "text": ("-", 0x636261), "ratio": ("-", 0x3FE0000000000000),
                          "hidden": ("-", 2**64 - 1)})
        self.assertRegex(self.cli("inspect", plain).out, r"(?m)^hidden +.data +- +18446744073709551615$")

    def test_co_re_relocations(self):
        path = self.object("""
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct task { int pid; struct { int deep; } in; } __attribute__((preserve_access_index));
SEC("raw_tp") int p(struct task *t) { return t->pid + t->in.deep; }
""", "core.o")
        document = self.cli("inspect", path, "--json").json
        self.assertEqual([(r["section"], r["kind"], r["subject"]) for r in document["core"]],
                         [("raw_tp", "field offset", "struct task.pid"), ("raw_tp", "field offset", "struct task.in.deep")])
        self.assertRegex(self.cli("inspect", path).out, r"(?m)^CO-RE relocations  2\n.*\n  raw_tp +0  field offset  struct task.pid$")

    def test_cut_off_objects(self):
        path = self.object(XDP_C)
        whole = pathlib.Path(path).read_bytes()
        self.assert_ends(self.cli("inspect", self.file("cut.o", whole[:-10])), BAD_INPUT, "the file was cut off: its section headers", out="")

    def test_errors(self):
        self.assert_ends(self.cli("inspect", self.file("p.s", "ja +5\n")), BAD_INPUT, "jump target 6 outside", out="")


class Verify(CliTest):
    SAFE = "mov %r0, 0\njlt %r2, 14, out\nldxh %r0, [%r1+12]\nout: exit\n"
    CHECKED = "mov %r0, 0\njlt %r2, 14, out\nldxh %r0, [%r1+13]\nout: exit\n"
    FAULTING = "mov %r3, 0\nldxdw %r0, [%r3+8]\nexit\n"

    def test_says_what_is_proven(self):
        result = self.cli("verify", self.file("safe.s", self.SAFE))
        self.assert_ends(result, OK)
        self.assertIn("safe.s: proven safe\n  accesses       1: 1 proven\n", result.out)

    def test_says_what_is_checked_and_where(self):
        path = self.file("checked.s", self.CHECKED)
        self.assertIn("safe with 1 check at run time", self.cli("verify", path).out)
        explained = self.cli("verify", path, "--explain").out
        self.assertRegex(explained, r"(?m)^  2: r0 = \*\(u16 \*\)\(r1 \+ 13\)\n +check")
        self.assert_ends(self.cli("verify", path, "--proven"), FAULT)
        self.assert_ends(self.cli("verify", self.file("safe.s", self.SAFE), "--proven"), OK)

    def test_says_what_certainly_faults(self):
        path = self.file("faulting.s", self.FAULTING)
        result = self.cli("verify", path)
        self.assert_ends(result, FAULT)
        self.assertIn("certainly faults at pc 1", result.out)
        (program,) = self.cli("verify", path, "--json").json["programs"]
        self.assertEqual((program["safety"], program["fault_pc"]), ("certainly faults", 1))
        self.assert_ends(self.cli("run", path), FAULT, "at pc 1 ")

    def test_tells_what_is_missing_from_what_is_wrong(self):
        missing = self.cli("verify", self.file("missing.s", "call 4711\nexit\n"))
        self.assertRegex(missing.out + missing.err, "helper 4711 is not registered")
        self.assertNotIn(missing.code, (OK, FAULT))

    def test_all_programs_of_an_object_with_their_lines_of_c(self):
        path = self.object(XDP_C)
        result = self.cli("verify", path, "--explain")
        self.assert_ends(result, OK)
        self.assertIn("by_first_byte (xdp): ", result.out)
        self.assertRegex(result.out, r"; .*prog\.bpf\.o\.c:\d+: +return p \+ 1 > end")
        (program,) = self.cli("verify", path, "--explain", "--json").json["programs"]
        self.assertEqual(program["name"], "by_first_byte")
        self.assertTrue(any("source" in note for note in program["notes"]))


class Completion(CliTest):
    def complete(self, *words):
        """What bash offers for the last word."""
        script = self.file("completion.bash", self.cli("completion", "bash").out)
        command = (f". {script}; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _bpftime_cli; "
                   "printf '%s\\n' \"${COMPREPLY[@]}\"")
        process = subprocess.run(["bash", "-c", command, "bash", "bpftime-cli", *words], capture_output=True,
                                 cwd=self.folder, text=True)
        self.assertEqual((process.returncode, process.stderr), (0, ""))
        return set(process.stdout.split())

    def test_bash(self):
        self.assertEqual(self.complete("dis"), {"disasm"})
        self.assertLessEqual({"run", "asm", "disasm", "inspect", "verify", "cc", "map", "vms", "completion"}, self.complete(""))
        self.assertEqual(self.complete("run", "--rep"), {"--repeat"})
        self.assertEqual(self.complete("run", "--format", ""), {"raw", "hex", "asm", "elf", "c"})
        self.assertEqual(self.complete("disasm", "--style", "a"), {"assembly"})
        self.assertEqual(self.complete("completion", ""), {"bash", "zsh", "fish"})
        names = {vm["name"] for vm in self.cli("vms", "--json").json["vms"]}
        self.assertEqual(self.complete("run", "--vm", ""), names)

    def test_other_shells(self):
        for shell, check in (("zsh", ["zsh", "-n"]), ("fish", ["fish", "-n"])):
            result = self.cli("completion", shell)
            self.assert_ends(result, OK, "^$")
            for word in ("run", "inspect", "repeat", "assembly"):
                self.assertIn(word, result.out)
            if shutil.which(shell):
                subprocess.run([*check, self.file("script", result.out)], check=True)
            self.assertEqual(self.cli("completion", shell, "--json").json, {"shell": shell, "script": result.out})


class Vms(CliTest):
    def test_vms(self):
        document = self.cli("vms", "--json").json
        names = [vm["name"] for vm in document["vms"]]
        self.assertIn("ubpf", names)
        self.assertEqual(sum(vm["default"] for vm in document["vms"]), 1)
        text = self.cli("vms")
        self.assert_ends(text, OK, "^$")
        for name in names:
            self.assertRegex(text.out, rf"(?m)^{name} ")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    CLI = os.path.abspath(sys.argv[1])
    VM = pathlib.Path(sys.argv[2]).resolve()
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
