// bpftime-vm: a VM of the engine under test, configured and run step by step
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "vm_fixture.hpp"

#include <gmock/gmock.h>

namespace bpftime::vm::test {

std::ostream &operator<<(std::ostream &out, const fault_place &p) {
    return out << compat::name_of(p.kind) << " pc " << p.pc << " region "
               << static_cast<int>(p.region) << '[' << p.index << "] offset " << p.offset
               << " size " << p.size;
}

fault_place place_of(const compat::fault &f) {
    return {f.kind, f.pc, f.region, f.region_index, f.offset, f.size};
}

void vm_fixture::load_bytes(std::span<const uint8_t> code) {
    EXPECT_EQ(vm_->load_code(code.data(), code.size()), EBPF_OK) << vm_->error_message();
}

void vm_fixture::set_limit(vm_limit limit, uint64_t value) {
    EXPECT_EQ(vm_->set_limit(limit, value), EBPF_OK) << vm_->error_message();
}

uint64_t vm_fixture::result(std::span<uint8_t> memory) {
    int64_t r0 = -1;
    EXPECT_EQ(vm_->exec(memory.data(), memory.size(), r0), EBPF_OK) << vm_->error_message();
    EXPECT_EQ(compat::last_fault().kind, fault_kind::none);
    return static_cast<uint64_t>(r0);
}

fault_place vm_fixture::fault(std::span<uint8_t> memory) {
    int64_t r0 = 0;
    EXPECT_EQ(vm_->exec(memory.data(), memory.size(), r0), EBPF_ERROR_FAULT);
    EXPECT_EQ(vm_->error_message().find("0x7f"), std::string::npos)
        << "a host address: " << vm_->error_message();
    return place_of(compat::last_fault());
}

void vm_fixture::expect_refusal(int64_t code, std::string_view message) {
    int64_t r0 = 0;
    EXPECT_EQ(vm_->exec(nullptr, 0, r0), code);
    EXPECT_THAT(vm_->error_message(), testing::HasSubstr(std::string{message}));
}

}  // namespace bpftime::vm::test
