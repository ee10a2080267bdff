// bpftime-vm: our own C programs, compared with the running kernel
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compile.hpp"
#include "differential.hpp"
#include "kernel_side.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace bpftime::vm::differential {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> sources() {
    std::vector<fs::path> all;
    for (const char *const folder : {DIFFERENTIAL_PROGRAMS, DIFFERENTIAL_EXAMPLES}) {
        for (const auto &entry : fs::recursive_directory_iterator{folder}) {
            if (entry.path().string().ends_with(".bpf.c")) all.push_back(entry.path());
        }
    }
    std::ranges::sort(all);
    return all;
}

bytes compile(const fs::path &source, const std::string &cpu) {
    std::ostringstream text;
    text << std::ifstream{source}.rdbuf();
    return object::test::compile(
        text.str(), "-O2 -g -mcpu=" + cpu + " -I " DIFFERENTIAL_PROGRAMS " -isystem " BPF_INCLUDES);
}

class own_programs : public testing::TestWithParam<fs::path> {
protected:
    void SetUp() override {
        if (const auto why = why_no_kernel(); not why.empty()) GTEST_SKIP() << why;
        stay_on_one_cpu();
    }
};

std::string name_of_source(const testing::TestParamInfo<fs::path> &info) {
    return info.param.stem().stem().string();
}

INSTANTIATE_TEST_SUITE_P(sources, own_programs, testing::ValuesIn(sources()), name_of_source);

TEST_P(own_programs, do_what_they_do_in_the_kernel) {
    for (const char *const cpu : {"v2", "v3", "v4"}) {
        const bytes image = compile(GetParam(), cpu);
        const auto file = object::object_file::parse(image);
        ASSERT_TRUE(file) << file.error().message;
        for (const object::function_info &f : file->functions()) {
            if (not f.is_program) continue;
            comparison c = compare(image, *file, f, nullptr, task::run);
            // Which free element of a hash map the kernel takes depends on what else runs.
            for (int again = 0; again < 3 and c.result == outcome::not_deterministic; ++again)
                c = compare(image, *file, f, nullptr, task::run);
            EXPECT_EQ(c.result, outcome::agree)
                << f.name << " for " << cpu << ": " << name_of(c.result) << ": " << c.detail;
        }
    }
}

/// Programs that break what a comparison relies on, so that it is seen to notice.
TEST(comparison, notices_what_differs) {
    if (const auto why = why_no_kernel(); not why.empty()) GTEST_SKIP() << why;
    trace expected{.runs = {{}}, .maps = {{"m", {.entries = {{{1}, {2}}}, .records = {{3}}}}}};
    expected.runs[0].packet = {1, 2, 3};
    expected.runs[0].marks = packet_marks{};
    EXPECT_EQ(difference(expected, expected), "");
    const auto changed = [&](auto change) {
        trace got = expected;
        change(got);
        return difference(expected, got);
    };
    EXPECT_EQ(changed([](trace &t) { t.runs[0].verdict = 1; }), "on tcp4: verdict 0x1, not 0x0");
    EXPECT_EQ(changed([](trace &t) { t.runs[0].packet[1] = 9; }),
              "on tcp4: packet: byte 1 is 0x09, not 0x02");
    EXPECT_EQ(changed([](trace &t) { t.runs[0].packet.pop_back(); }),
              "on tcp4: packet: 2 bytes, not 3");
    EXPECT_EQ(changed([](trace &t) { t.runs[0].marks->mark = 5; }), "on tcp4: mark 0x5, not 0x0");
    EXPECT_EQ(changed([](trace &t) { t.runs[0] = refused("no"); }), "on tcp4: no");
    EXPECT_EQ(changed([](trace &t) { t.maps.at("m").entries.at({1}) = {4}; }),
              "map m: value of 01: byte 0 is 0x04, not 0x02");
    EXPECT_EQ(changed([](trace &t) { t.maps.at("m").entries.clear(); }),
              "map m: key 01 is missing");
    EXPECT_EQ(changed([](trace &t) { t.maps.at("m").entries[{7}] = {8}; }),
              "map m: key 07 is there, with value 08");
    EXPECT_EQ(changed([](trace &t) { t.maps.at("m").records.clear(); }), "map m: 0 records, not 1");
    EXPECT_EQ(changed([](trace &t) { t.maps.clear(); }), "map m is missing");
}

outcome outcome_of(const std::string &source) {
    const bytes image = object::test::compile("#include \"packet.h\"\n" + source,
                                              "-O2 -g -mcpu=v3 -I " DIFFERENTIAL_PROGRAMS
                                              " -isystem " BPF_INCLUDES);
    const auto file = object::object_file::parse(image);
    const auto program =
        std::ranges::find_if(file->functions(), &object::function_info::is_program);
    return compare(image, *file, *program, nullptr, task::run).result;
}

TEST(comparison, leaves_out_what_cannot_be_compared) {
    if (const auto why = why_no_kernel(); not why.empty()) GTEST_SKIP() << why;
    stay_on_one_cpu();
    EXPECT_EQ(outcome_of("SEC(\"xdp\") int p(struct xdp_md *c) { return bpf_ktime_get_ns(); }"),
              outcome::not_deterministic);
    EXPECT_EQ(outcome_of("SEC(\"xdp\") int p(struct xdp_md *c) { return (long)c; }"),
              outcome::not_deterministic);
    EXPECT_EQ(outcome_of("SEC(\"xdp\") int p(struct xdp_md *c) { return *(int *)0; }"),
              outcome::not_in_kernel);
    EXPECT_EQ(outcome_of("SEC(\"kprobe/x\") int p(void *c) { return 0; }"), outcome::no_packets);
}

/// What the public corpus gives, where somebody has it: see README.md.
TEST(corpus, does_what_it_does_in_the_kernel) {
    const char *const folder = std::getenv("BPFTIME_VM_KERNEL_CORPUS");
    if (folder == nullptr) GTEST_SKIP() << "BPFTIME_VM_KERNEL_CORPUS names no folder of objects";
    if (const auto why = why_no_kernel(); not why.empty()) GTEST_SKIP() << why;
    const std::string command = std::string{"python3 "} + DIFFERENTIAL_CORPUS_SCRIPT + " check '" +
                                folder + "' " + DIFFERENTIAL_TOOL;
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

}  // namespace

}  // namespace bpftime::vm::differential
