// bpftime-vm: programs that use maps, on every engine
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines.hpp"
#include "programs.hpp"
#include "runtime/cpu.hpp"
#include "runtime/helpers.hpp"
#include "runtime/map_set.hpp"
#include "support.hpp"
#include "threads.hpp"

#include <unistd.h>

#include <array>
#include <set>

namespace bpftime::vm::runtime::test {

using compat::fault_kind;
using vm::test::engine;

namespace {

/// Key 1 in memory at r10-4, r2 to it; map 0 in r1.
constexpr std::string_view key_1 =
    "mov %r1, 1\nstxw [%r10-4], %r1\nmov %r2, %r10\nadd %r2, -4\nlddw %r1, map_by_idx(0)\n";

class helper : public testing::TestWithParam<engine> {
protected:
    /// Map 0 of the program; more follow by add().
    map &add(const std::shared_ptr<map> &m) { return *maps_[maps_.add(m)]; }
    map &add(map_type type, uint32_t max_entries, uint32_t flags = 0) {
        return add(make(type, max_entries, flags));
    }

    void load(std::string_view text) {
        ASSERT_EQ(errno_of(maps_.attach(*vm_)), 0);
        const auto code = vm::test::assemble(text);
        ASSERT_EQ(vm_->load_code(code.data(), code.size()), 0) << vm_->error_message();
    }
    void load_key_1(std::string_view rest) { load(std::string{key_1} + std::string{rest}); }

    uint64_t result() {
        int64_t r0 = 0;
        EXPECT_EQ(vm_->exec(nullptr, 0, r0), 0) << vm_->error_message();
        return static_cast<uint64_t>(r0);
    }
    compat::fault fault() {
        int64_t r0 = 0;
        EXPECT_EQ(vm_->exec(nullptr, 0, r0), EBPF_ERROR_FAULT);
        return compat::last_fault();
    }

    map_set maps_;
    std::unique_ptr<ebpf_vm> vm_ = vm::test::make_vm(GetParam());
};

INSTANTIATE_TEST_SUITE_P(engines, helper, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

// --- values

TEST_P(helper, lookup_gives_a_value_to_read_and_write) {
    map &m = add(map_type::hash, 4);
    ASSERT_EQ(errno_of(m.update(key(1), word(41))), 0);
    load_key_1("call 1\njeq %r0, 0, +3\nldxdw %r1, [%r0]\nadd %r1, 1\nstxdw [%r0], %r1\nexit");
    EXPECT_NE(result(), 0U);
    EXPECT_EQ(m.lookup(key(1)).value(), word(42));
}

TEST_P(helper, lookup_works_without_checks) {
    map &m = add(map_type::array, 4);
    ASSERT_EQ(errno_of(m.update(key(1), word(41))), 0);
    vm_->toggle_bounds_check(false);
    load_key_1("call 1\nldxdw %r0, [%r0]\nexit");
    EXPECT_EQ(result(), 41U);
}

TEST_P(helper, lookup_of_thousands_in_one_run) {
    constexpr uint32_t count = 5000;
    map &m = add(map_type::hash, count);
    for (uint32_t i = 0; i < count; ++i) ASSERT_EQ(errno_of(m.update(key(i), word(i))), 0);
    load(
        "mov %r6, 0\nmov %r7, 0\n"
        "stxdw [%r10-8], %r6\nmov %r2, %r10\nadd %r2, -8\nlddw %r1, map_by_idx(0)\ncall 1\n"
        "ldxdw %r1, [%r0]\nadd %r7, %r1\nadd %r6, 1\njlt %r6, 5000, -10\nmov %r0, %r7\nexit");
    EXPECT_EQ(result(), uint64_t{count} * (count - 1) / 2);
}

TEST_P(helper, lookup_of_nothing_gives_0) {
    add(map_type::hash, 4);
    load_key_1("call 1\nexit");
    EXPECT_EQ(result(), 0U);
}

TEST_P(helper, a_value_ends_where_it_ends) {
    map &m = add(map_type::array, 4);
    load_key_1("call 1\nldxdw %r0, [%r0+8]\nexit");
    const compat::fault f = fault();
    EXPECT_EQ(f.kind, fault_kind::out_of_bounds_read);
    EXPECT_EQ(f.pc, 7U);
    static_cast<void>(m);
}

TEST_P(helper, a_value_that_others_are_near_to_ends_nevertheless) {
    add(map_type::array, 4);
    // Of a value that was looked up for accesses inside of it, nobody else knows.
    load_key_1(
        "call 1\nldxdw %r0, [%r0]\n"
        "stdw [%r10-8], 0\nlddw %r1, map_by_idx(0)\nmov %r2, %r10\nadd %r2, -8\ncall 1\n"
        "ldxdw %r0, [%r0+16]\nexit");
    EXPECT_EQ(fault().kind, fault_kind::out_of_bounds_read);
}

TEST_P(helper, an_address_of_a_value_may_go_through_the_stack) {
    map &m = add(map_type::array, 4);
    load_key_1(
        "call 1\nstxdw [%r10-32], %r0\nldxdw %r1, [%r10-32]\nstdw [%r1], 5\n"
        "mov %r0, 0\nexit");
    EXPECT_EQ(result(), 0U);
    const uint32_t key = 1;
    EXPECT_EQ(*static_cast<uint64_t *>(m.lookup_elem(&key)), 5U);
}

TEST_P(helper, an_index_may_be_too_large) {
    add(map_type::array, 4);
    load("stdw [%r10-8], 4\nlddw %r1, map_by_idx(0)\nmov %r2, %r10\nadd %r2, -8\ncall 1\nexit");
    EXPECT_EQ(result(), 0U);
    load(
        "stdw [%r10-8], 4\nlddw %r1, map_by_idx(0)\nmov %r2, %r10\nadd %r2, -8\ncall 1\n"
        "ldxdw %r0, [%r0]\nexit");
    EXPECT_EQ(fault().kind, fault_kind::out_of_bounds_read);
}

TEST_P(helper, values_of_two_lookups_may_meet) {
    map &m = add(map_type::array, 4);
    load(
        "call 7\nand %r0, 1\nstxdw [%r10-8], %r0\n"
        "lddw %r1, map_by_idx(0)\nmov %r2, %r10\nadd %r2, -8\ncall 1\njne %r0, 0, +6\n"
        "stdw [%r10-8], 3\nlddw %r1, map_by_idx(0)\nmov %r2, %r10\nadd %r2, -8\ncall 1\n"
        "ldxdw %r1, [%r0]\nadd %r1, 1\nstxdw [%r0], %r1\nmov %r0, 0\nexit");
    for (int i = 0; i < 10; ++i) EXPECT_EQ(result(), 0U);
    uint64_t sum = 0;
    for (uint32_t key = 0; key < 4; ++key) sum += *static_cast<uint64_t *>(m.lookup_elem(&key));
    EXPECT_EQ(sum, 10U);
}

TEST_P(helper, a_read_only_map_cannot_be_written) {
    add(map_type::array, 4, map_rdonly_prog);
    load_key_1("call 1\nstdw [%r0], 1\nexit");
    EXPECT_EQ(fault().kind, fault_kind::read_only_write);
    load_key_1("mov %r3, %r10\nadd %r3, -16\nmov %r4, 0\ncall 2\nexit");
    EXPECT_EQ(result(), static_cast<uint64_t>(-EPERM));
}

TEST_P(helper, a_write_only_map_cannot_be_read) {
    map &m = add(map_type::array, 4, map_wronly_prog);
    load_key_1("call 1\nldxdw %r0, [%r0]\nexit");
    EXPECT_EQ(fault().kind, fault_kind::out_of_bounds_read);
    load_key_1("call 1\nstdw [%r0], 7\nmov %r0, 1\nexit");
    EXPECT_EQ(result(), 1U);
    EXPECT_EQ(m.lookup(key(1)).value(), word(7));
}

TEST_P(helper, update_and_delete_change_the_map) {
    map &m = add(map_type::hash, 4);
    load_key_1(
        "mov %r3, 9\nstxdw [%r10-16], %r3\nmov %r3, %r10\nadd %r3, -16\nmov %r4, 1\ncall 2\nexit");
    EXPECT_EQ(result(), 0U);
    EXPECT_EQ(result(), static_cast<uint64_t>(-EEXIST));
    EXPECT_EQ(m.lookup(key(1)).value(), word(9));
    load_key_1("call 3\nexit");
    EXPECT_EQ(result(), 0U);
    EXPECT_EQ(result(), static_cast<uint64_t>(-ENOENT));
}

TEST_P(helper, a_value_stays_for_the_run_that_deletes_it) {
    map &m = add(map_type::lpm_trie, 4);
    bytes prefix = key(8);
    prefix.resize(8);
    ASSERT_EQ(errno_of(m.update(prefix, word(7))), 0);
    load(
        "mov %r1, 8\nstxdw [%r10-8], %r1\nmov %r2, %r10\nadd %r2, -8\nlddw %r1, map_by_idx(0)\n"
        "call 1\nmov %r6, %r0\nmov %r2, %r10\nadd %r2, -8\nlddw %r1, map_by_idx(0)\ncall 3\n"
        "ldxdw %r0, [%r6]\nexit");
    EXPECT_EQ(result(), 7U);
}

// --- many threads in one VM

TEST_P(helper, threads_add_up_in_one_value) {
    constexpr uint64_t rounds = 200;
    map &m = add(map_type::hash, 4);
    ASSERT_EQ(errno_of(m.update(key(1), word(0))), 0);
    load_key_1("call 1\njeq %r0, 0, +2\nmov %r1, 1\nlock add [%r0], %r1\nexit");
    vm::test::on_all_threads([&](unsigned) {
        for (uint64_t n = 0; n < rounds; ++n) EXPECT_NE(result(), 0U);
    });
    EXPECT_EQ(m.lookup(key(1)).value(), word(rounds * vm::test::thread_count));
}

TEST_P(helper, threads_add_and_delete_entries_of_their_own) {
    map &m = add(map_type::hash, vm::test::thread_count);
    load(
        "mov %r6, %r1\nmov %r7, 0\nmov %r2, %r1\nmov %r3, %r1\nadd %r3, 8\nmov %r4, 1\n"
        "lddw %r1, map_by_idx(0)\ncall 2\njne %r0, 0, end\n"
        "mov %r2, %r6\nlddw %r1, map_by_idx(0)\ncall 1\njeq %r0, 0, end\nldxdw %r7, [%r0]\n"
        "mov %r2, %r6\nlddw %r1, map_by_idx(0)\ncall 3\njne %r0, 0, end\n"
        "mov %r0, %r7\nexit\nend: mov %r0, -1\nexit");
    vm::test::on_all_threads([&](unsigned i) {
        for (uint64_t n = 0; n < 200; ++n) {
            std::array<uint64_t, 2> input{i, n << 8 | i};
            int64_t r0 = 0;
            EXPECT_EQ(vm_->exec(input.data(), sizeof input, r0), 0) << vm_->error_message();
            EXPECT_EQ(static_cast<uint64_t>(r0), input[1]);
        }
    });
    for (uint32_t i = 0; i < vm::test::thread_count; ++i)
        EXPECT_EQ(errno_of(m.lookup(key(i))), ENOENT);
}

// --- what is checked

TEST_P(helper, a_map_is_one_that_the_host_gave) {
    add(map_type::array, 4);
    load("mov %r1, 0x1234\nmov %r2, %r10\nadd %r2, -4\ncall 1\nexit");
    const compat::fault f = fault();
    EXPECT_EQ(f.kind, fault_kind::bad_map);
    EXPECT_EQ(f.pc, 3U);
    EXPECT_EQ(f.address, 0x1234U);
    EXPECT_EQ(vm_->error_message(),
              "bad_map: call of a helper with a map argument that is no map at pc 3 (`call 1`)");
}

TEST_P(helper, a_map_that_is_not_there_is_no_map) {
    add(map_type::array, 4);
    load("mov %r2, %r10\nadd %r2, -4\nlddw %r1, map_by_idx(7)\ncall 1\nexit");
    EXPECT_EQ(fault().kind, fault_kind::bad_map);
}

TEST_P(helper, a_key_is_as_long_as_the_map_says) {
    map_definition d = define(map_type::hash, 4);
    d.key_size = 16;
    add(make(d));
    load("mov %r2, %r10\nadd %r2, -8\nlddw %r1, map_by_idx(0)\ncall 1\nexit");
    const compat::fault f = fault();
    EXPECT_EQ(f.kind, fault_kind::out_of_bounds_read);
    EXPECT_EQ(f.size, 16U);
    EXPECT_EQ(f.region, region_kind::stack);
}

TEST_P(helper, a_value_is_as_long_as_the_map_says) {
    map_definition d = define(map_type::queue, 4);
    d.value_size = 600;
    add(make(d));
    load("mov %r2, %r10\nadd %r2, -512\nlddw %r1, map_by_idx(0)\ncall 88\nexit");
    const compat::fault f = fault();
    EXPECT_EQ(f.kind, fault_kind::out_of_bounds_write);
    EXPECT_EQ(f.size, 600U);
}

TEST_P(helper, of_maps_needs_a_vm_that_knows_maps) {
    ASSERT_TRUE(register_helpers(*vm_));
    const auto code = vm::test::assemble("mov %r0, 0\ncall 1\nexit");
    ASSERT_EQ(vm_->load_code(code.data(), code.size()), 0);
    int64_t r0 = 0;
    EXPECT_EQ(vm_->exec(nullptr, 0, r0), EBPF_ERROR_UNRESOLVED);
    EXPECT_EQ(vm_->error_message(),
              "the helper needs the callback map_shape, which is not set at pc 1 (`call 1`): "
              "configure it with ebpf_set_lddw_helpers()");
}

// --- other ways to values

TEST_P(helper, global_variables_are_the_value_of_an_array) {
    map &m = add(map_type::array, 1);
    ASSERT_EQ(errno_of(m.update(key(0), word(40))), 0);
    load(
        "lddw %r1, map_val(map_by_idx(0))+4\nldxw %r2, [%r1-4]\nadd %r2, 2\nstxw [%r1], %r2\n"
        "mov %r0, %r2\nexit");
    EXPECT_EQ(result(), 42U);
    EXPECT_EQ(m.lookup(key(0)).value(), word(uint64_t{42} << 32 | 40));
}

TEST_P(helper, constants_cannot_be_written) {
    add(map_type::array, 1, map_rdonly_prog);
    load("lddw %r1, map_val(map_by_fd(0))+0\nstxw [%r1], %r1\nexit");
    EXPECT_EQ(fault().kind, fault_kind::read_only_write);
}

TEST_P(helper, a_percpu_value_is_that_of_the_thread) {
    map &m = add(map_type::percpu_array, 4);
    load_key_1("call 1\nldxdw %r1, [%r0]\nadd %r1, 5\nstxdw [%r0], %r1\nexit");
    EXPECT_NE(result(), 0U);
    EXPECT_EQ(number_of(m.lookup(key(1)).value(), current_cpu() * 8), 5U);
    load_key_1("mov %r3, " + std::to_string(current_cpu()) + "\ncall 195\nldxdw %r0, [%r0]\nexit");
    EXPECT_EQ(result(), 5U);
    load_key_1("mov %r3, " + std::to_string(cpu_count()) + "\ncall 195\nexit");
    EXPECT_EQ(result(), 0U);
}

TEST_P(helper, an_inner_map_is_a_map_and_not_memory) {
    const auto inner = make(map_type::array, 4);
    ASSERT_EQ(errno_of(inner->update(key(1), word(77))), 0);
    map &outer = add(make(define(map_type::hash_of_maps, 4), inner));
    ASSERT_EQ(errno_of(as_object_map(&outer)->set_map(key(1), inner)), 0);
    load_key_1("call 1\nmov %r1, %r0\nmov %r2, %r10\nadd %r2, -4\ncall 1\nldxdw %r0, [%r0]\nexit");
    EXPECT_EQ(result(), 77U);
    load_key_1("call 1\nldxdw %r0, [%r0]\nexit");
    EXPECT_EQ(fault().kind, fault_kind::out_of_bounds_read);
}

TEST_P(helper, queues_are_pushed_peeked_and_popped) {
    map &m = add(map_type::queue, 4);
    constexpr std::string_view place = "mov %r2, %r10\nadd %r2, -8\nlddw %r1, map_by_idx(0)\n";
    const std::string at{place};
    load("mov %r1, 6\nstxdw [%r10-8], %r1\n" + at + "mov %r3, 0\ncall 87\nstdw [%r10-8], 0\n" + at +
         "call 89\nldxdw %r0, [%r10-8]\nexit");
    EXPECT_EQ(result(), 6U);
    load(at + "call 88\nldxdw %r0, [%r10-8]\nexit");
    EXPECT_EQ(result(), 6U);
    uint64_t value = 0;
    EXPECT_EQ(m.pop_elem(&value), -ENOENT);
}

// --- ring buffers

class ring_helper : public helper {
protected:
    std::vector<bytes> records() {
        std::vector<bytes> all;
        as_ring_buffer(&ring_)->consume([&](std::span<const uint8_t> r) {
            all.emplace_back(r.begin(), r.end());
            return true;
        });
        return all;
    }
    map &ring_ = add(map_type::ringbuf, 4096);
};

INSTANTIATE_TEST_SUITE_P(engines, ring_helper, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

constexpr std::string_view reserve_8 =
    "lddw %r1, map_by_idx(0)\nmov %r2, 8\nmov %r3, 0\ncall 131\nmov %r6, %r0\n";

TEST_P(ring_helper, a_record_is_reserved_written_and_submitted) {
    load(std::string{reserve_8} +
         "stdw [%r6], 5\nmov %r1, %r6\nmov %r2, 0\ncall 132\nmov %r0, 0\nexit");
    EXPECT_EQ(result(), 0U);
    EXPECT_EQ(records(), (std::vector<bytes>{word(5)}));
}

TEST_P(ring_helper, a_submitted_record_is_no_longer_the_program_s) {
    load(std::string{reserve_8} + "mov %r1, %r6\nmov %r2, 0\ncall 132\nstdw [%r6], 5\nexit");
    const compat::fault f = fault();
    EXPECT_EQ(f.kind, fault_kind::out_of_bounds_write);
    EXPECT_EQ(f.pc, 9U);
}

TEST_P(ring_helper, the_header_of_a_record_is_not_the_program_s) {
    load(std::string{reserve_8} + "stdw [%r6-8], 5\nexit");
    EXPECT_EQ(fault().kind, fault_kind::out_of_bounds_write);
}

TEST_P(ring_helper, what_a_run_leaves_is_discarded) {
    load(std::string{reserve_8} + "mov %r0, 0\nexit");
    EXPECT_EQ(result(), 0U);
    ASSERT_EQ(as_ring_buffer(&ring_)->output("x", 1, 0), 0);
    EXPECT_EQ(records(), (std::vector<bytes>{{'x'}}));
}

TEST_P(ring_helper, a_run_within_a_run_discards_its_own_records_alone) {
    const auto inner = vm::test::make_vm(GetParam());
    ASSERT_EQ(errno_of(maps_.attach(*inner)), 0);
    const auto code = vm::test::assemble(std::string{reserve_8} + "mov %r0, 0\nexit");
    ASSERT_EQ(inner->load_code(code.data(), code.size()), 0);
    load(std::string{reserve_8} +
         "call 1000\nstdw [%r6], 5\nmov %r1, %r6\nmov %r2, 0\ncall 132\n"
         "mov %r0, 0\nexit");
    ebpf_helper run_inner{};
    run_inner.id = 1000;
    run_inner.context = inner.get();
    run_inner.ctx_fn = [](void *context, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
        int64_t r0 = 1;
        EXPECT_EQ(static_cast<ebpf_vm *>(context)->exec(nullptr, 0, r0), 0);
        return static_cast<uint64_t>(r0);
    };
    ASSERT_EQ(vm_->register_helper(run_inner), 0);
    EXPECT_EQ(result(), 0U);
    EXPECT_EQ(records(), (std::vector<bytes>{word(5)}));
}

TEST_P(ring_helper, a_record_is_submitted_once_and_none_is_made_up) {
    load(std::string{reserve_8} +
         "mov %r1, %r6\nmov %r2, 0\ncall 133\nmov %r1, %r6\nmov %r2, 0\ncall 132\nmov %r1, 77\n"
         "mov %r2, 0\ncall 132\nmov %r0, 0\nexit");
    EXPECT_EQ(result(), 0U);
    EXPECT_TRUE(records().empty());
}

TEST_P(ring_helper, memory_is_copied_to_a_record) {
    load(
        "mov %r2, %r10\nadd %r2, -8\nmov %r1, 3\nstxdw [%r2], %r1\nlddw %r1, map_by_idx(0)\n"
        "mov %r3, 8\nmov %r4, 0\ncall 130\nexit");
    EXPECT_EQ(result(), 0U);
    EXPECT_EQ(records(), (std::vector<bytes>{word(3)}));
    load("lddw %r1, map_by_idx(0)\nmov %r2, 1\ncall 134\nexit");
    EXPECT_EQ(result(), 4096U);
}

TEST_P(ring_helper, events_go_to_the_ring_at_their_index) {
    map &events = add(map_type::perf_event_array, 4);
    ASSERT_EQ(errno_of(as_object_map(&events)->set_map(key(2), maps_[0])), 0);
    const std::string send =
        "mov %r4, %r10\nadd %r4, -8\nmov %r1, 3\nstxdw [%r4], %r1\nlddw %r2, map_by_idx(1)\n"
        "mov %r5, 8\ncall 25\nexit";
    load("mov %r3, 2\n" + send);
    EXPECT_EQ(result(), 0U);
    EXPECT_EQ(records(), (std::vector<bytes>{word(3)}));
    load("mov %r3, 3\n" + send);
    EXPECT_EQ(result(), static_cast<uint64_t>(-ENOENT));
    load("mov %r3, 4\n" + send);
    EXPECT_EQ(result(), static_cast<uint64_t>(-E2BIG));
}

// --- the rest of the table

TEST_P(helper, the_machine_answers) {
    load("call 8\nexit");
    EXPECT_EQ(result(), current_cpu());
    load("call 5\nmov %r6, %r0\ncall 5\nsub %r0, %r6\nexit");
    EXPECT_LT(result(), uint64_t{10'000'000'000});
    load("call 7\nexit");
    EXPECT_NE(result(), result());
    load("call 14\nrsh %r0, 32\nexit");
    EXPECT_EQ(result(), static_cast<uint32_t>(getpid()));
}

TEST(helper_table, has_each_id_and_name_once) {
    std::set<uint32_t> ids;
    std::set<std::string> names;
    for (const helper_row &row : helper_table()) {
        EXPECT_TRUE(ids.insert(row.declaration.id).second) << row.declaration.id;
        EXPECT_TRUE(names.insert(row.declaration.name).second) << row.declaration.name;
    }
}

TEST(map_set, finds_maps_by_name) {
    map_definition d = define(map_type::array, 1);
    d.name = "counters";
    const auto set = map_set::create(std::vector{define(map_type::hash, 1), d});
    ASSERT_TRUE(set);
    EXPECT_EQ(set->size(), 2U);
    EXPECT_EQ(set->find("counters"), (*set)[1]);
    EXPECT_EQ(set->find("flows"), nullptr);
    EXPECT_EQ(errno_of(map_set::create(std::vector{define(map_type::hash, 0)})), EINVAL);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
