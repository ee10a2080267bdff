// bpftime-vm: values for each control group, and what programs attached to one ask
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines.hpp"
#include "programs.hpp"
#include "runtime/cgroup_site.hpp"
#include "runtime/cpu.hpp"
#include "runtime/map_set.hpp"
#include "support.hpp"

#include <fmt/format.h>
#include <linux/bpf.h>

namespace bpftime::vm::runtime::test {

using vm::test::engine;

namespace {

bytes group_key(uint64_t group, uint32_t attach_type) {
    bpf_cgroup_storage_key key{};
    key.cgroup_inode_id = group;
    key.attach_type = attach_type;
    return bytes_of(key);
}

class cgroup_helper : public testing::TestWithParam<engine> {
protected:
    int64_t run(std::string_view text) {
        int64_t r0 = 0;
        EXPECT_EQ(exec(text, r0), EBPF_OK);
        return r0;
    }
    int64_t exec(std::string_view text, int64_t &r0) {
        const auto vm = vm::test::make_vm(GetParam());
        EXPECT_EQ(errno_of(maps_.attach(*vm)), 0);
        const auto code = vm::test::assemble(text);
        EXPECT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
        return vm->exec(nullptr, 0, r0);
    }
    /// Adds 1 to the value in a map; what it was.
    static std::string count(unsigned map) {
        return fmt::format(
            "lddw %r1, map_by_idx({})\nmov %r2, 0\ncall 81\nldxdw %r6, [%r0]\nmov %r1, %r6\n"
            "add %r1, 1\nstxdw [%r0], %r1\nmov %r0, %r6\n",
            map);
    }

    map_definition by_group() {
        map_definition d = define(map_type::cgroup_storage, 0);
        d.key_size = 8;
        return d;
    }
    map_set maps_{{make(map_type::cgroup_storage, 0), make(map_type::percpu_cgroup_storage, 0),
                   make(by_group()), make(map_type::array, 1)}};
};

INSTANTIATE_TEST_SUITE_P(engines, cgroup_helper, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(cgroup_helper, a_run_without_a_group_has_a_value_of_its_own) {
    for (const unsigned map : {0U, 1U, 2U}) {
        EXPECT_EQ(run(count(map) + "exit"), 0);
        EXPECT_EQ(run(count(map) + count(map) + "exit"), 1);
        EXPECT_EQ(errno_of(maps_[map]->next_key({})), ENOENT);
    }
    EXPECT_EQ(run(count(0) + count(2) + count(1) + count(0) + "exit"), 1);
}

TEST_P(cgroup_helper, groups_have_values_by_group_and_attachment) {
    cgroup_site ingress{.group = 5, .attach_type = 0};
    cgroup_site egress{.group = 5, .attach_type = 1};
    cgroup_site other{.group = uint64_t{1} << 40, .attach_type = 1};
    for (cgroup_site *const site : {&ingress, &egress, &egress, &other}) {
        const scoped_cgroup_site scope{*site};
        run(count(0) + "exit");
        run(count(1) + "exit");
        run(count(2) + "exit");
    }
    EXPECT_EQ(number_of(maps_[0]->lookup(group_key(5, 0)).value()), 1U);
    EXPECT_EQ(number_of(maps_[0]->lookup(group_key(5, 1)).value()), 2U);
    EXPECT_EQ(number_of(maps_[0]->lookup(group_key(uint64_t{1} << 40, 1)).value()), 1U);
    EXPECT_EQ(errno_of(maps_[0]->lookup(group_key(5, 2))), ENOENT);
    EXPECT_EQ(keys_of(*maps_[0]).size(), 3U);
    EXPECT_EQ(keys_of(*maps_[1]).size(), 3U);
    EXPECT_EQ(keys_of(*maps_[2]).size(), 2U);
    EXPECT_EQ(number_of(maps_[2]->lookup(word(5)).value()), 3U);
    const bytes all = maps_[1]->lookup(group_key(5, 1)).value();
    ASSERT_EQ(all.size(), 8 * cpu_count());
    uint64_t sum = 0;
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) sum += number_of(all, cpu * 8);
    EXPECT_EQ(sum, 2U);
}

TEST_P(cgroup_helper, hosts_change_values_that_are_there) {
    cgroup_site site{.group = 5};
    const scoped_cgroup_site scope{site};
    const bytes key = group_key(5, 0);
    EXPECT_EQ(errno_of(maps_[0]->update(key, word(7))), ENOENT);
    run(count(0) + count(1) + "exit");
    EXPECT_EQ(errno_of(maps_[0]->update(key, word(7))), 0);
    EXPECT_EQ(run(count(0) + "exit"), 7);
    EXPECT_EQ(errno_of(maps_[0]->update(key, word(7), update_noexist)), EINVAL);
    EXPECT_EQ(errno_of(maps_[0]->update(key, word(7), update_exist)), 0);
    EXPECT_EQ(errno_of(maps_[0]->remove(key)), EINVAL);
    bytes each(8 * cpu_count());
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) each[cpu * 8] = 30;
    EXPECT_EQ(errno_of(maps_[1]->update(key, each)), 0);
    EXPECT_EQ(run(count(1) + "exit"), 30);
    EXPECT_EQ(errno_of(maps_[1]->update(key, each, update_noexist)), EINVAL);
}

TEST_P(cgroup_helper, other_maps_have_no_such_values) {
    EXPECT_EQ(run("lddw %r1, map_by_idx(3)\nmov %r2, 0\ncall 81\nexit"), 0);
    EXPECT_EQ(run("stdw [%r10-16], 0\nstdw [%r10-8], 0\nlddw %r1, map_by_idx(0)\nmov %r2, %r10\n"
                  "add %r2, -16\ncall 1\nexit"),
              0)
        << "lookups by key are the host's";
    int64_t ignored = 0;
    EXPECT_EQ(
        exec("lddw %r1, map_by_idx(0)\nmov %r2, 0\ncall 81\nldxdw %r0, [%r0+8]\nexit", ignored),
        EBPF_ERROR_FAULT);
}

TEST_P(cgroup_helper, the_result_of_an_operation_is_seen_and_changed) {
    EXPECT_EQ(run("call 186\nexit"), 0);
    EXPECT_EQ(run("mov %r1, -1\ncall 187\nexit"), -EOPNOTSUPP);
    cgroup_site site{.result = -5};
    const scoped_cgroup_site scope{site};
    EXPECT_EQ(run("call 186\nexit"), -5);
    EXPECT_EQ(run("mov %r1, -13\ncall 187\nmov %r6, %r0\ncall 186\nadd %r0, %r6\nexit"), -13);
    EXPECT_EQ(site.result, -13);
    cgroup_site inner{.result = 2};
    {
        const scoped_cgroup_site nested{inner};
        EXPECT_EQ(run("call 186\nexit"), 2);
    }
    EXPECT_EQ(run("call 186\nexit"), -13);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
