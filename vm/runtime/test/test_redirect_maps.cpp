// bpftime-vm: maps that say where packets go
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/cpu.hpp"
#include "support.hpp"

namespace bpftime::vm::runtime::test {

namespace {

TEST(devmap, has_the_devices_that_were_put_in) {
    const auto m = make(map_type::devmap, 4);
    EXPECT_EQ(errno_of(m->lookup(key(1))), ENOENT);
    EXPECT_EQ(errno_of(m->update(key(1), key(7))), 0);
    EXPECT_EQ(m->lookup(key(1)).value(), key(7));
    EXPECT_EQ(errno_of(m->update(key(1), key(7), update_noexist)), EEXIST);
    EXPECT_EQ(errno_of(m->update(key(4), key(7))), E2BIG);
    EXPECT_EQ(errno_of(m->update(key(1), key(0))), 0);
    EXPECT_EQ(m->lookup_elem(key(1).data()), nullptr);
    EXPECT_EQ(errno_of(m->remove(key(1))), 0);
    EXPECT_EQ(errno_of(m->remove(key(4))), EINVAL);
    EXPECT_EQ(keys_of(*m).size(), 4U);
    EXPECT_EQ(m->program_access(), permission::read);
}

TEST(devmap, takes_a_program_with_a_device_only) {
    map_definition d = define(map_type::devmap, 4);
    d.value_size = 8;
    const auto m = make(d);
    EXPECT_EQ(errno_of(m->update(key(1), word(uint64_t{5} << 32))), EINVAL);
    EXPECT_EQ(errno_of(m->update(key(1), word(uint64_t{5} << 32 | 3))), 0);
    EXPECT_EQ(m->lookup(key(1)).value(), word(uint64_t{5} << 32 | 3));
}

TEST(devmap_hash, has_any_keys) {
    const auto m = make(map_type::devmap_hash, 1);
    EXPECT_EQ(errno_of(m->update(key(1000), key(0))), EINVAL);
    EXPECT_EQ(errno_of(m->update(key(1000), key(7))), 0);
    EXPECT_EQ(errno_of(m->update(key(1001), key(7))), E2BIG);
    EXPECT_EQ(keys_of(*m), (std::vector<bytes>{key(1000)}));
    EXPECT_EQ(errno_of(m->remove(key(1000))), 0);
    EXPECT_EQ(errno_of(m->remove(key(1000))), ENOENT);
}

TEST(cpumap, knows_the_cpus) {
    const auto m = make(map_type::cpumap, cpu_count() + 1);
    EXPECT_EQ(errno_of(m->update(key(0), key(192))), 0);
    EXPECT_EQ(m->lookup(key(0)).value(), key(192));
    EXPECT_EQ(errno_of(m->update(key(0), key(16385))), EOVERFLOW);
    EXPECT_EQ(errno_of(m->update(key(cpu_count()), key(192))), ENODEV);
    EXPECT_EQ(errno_of(m->update(key(cpu_count() + 1), key(192))), E2BIG);
}

TEST(xskmap, does_not_show_its_sockets) {
    const auto m = make(map_type::xskmap, 2);
    EXPECT_EQ(errno_of(m->update(key(0), key(3))), 0);
    EXPECT_EQ(errno_of(m->lookup(key(0))), EOPNOTSUPP);
    EXPECT_NE(m->lookup_elem(key(0).data()), nullptr);
    EXPECT_EQ(m->lookup_elem(key(1).data()), nullptr);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
