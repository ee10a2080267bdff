// bpftime-vm: how exceptions of helpers pass through native code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "unwind_table.hpp"

#include "jit_state.hpp"

#include <cstring>

namespace bpftime::vm::ubpf {

namespace {

class table_writer {
public:
    explicit table_writer(std::span<std::byte> out) : out_{out} {}

    void byte(unsigned value) { out_[size_++] = static_cast<std::byte>(value); }
    void word32(uint32_t value) { write(&value, sizeof value); }
    void word64(uint64_t value) { write(&value, sizeof value); }
    void patch32(std::size_t at, uint32_t value) { std::memcpy(&out_[at], &value, sizeof value); }
    /// Fills up with no-operations.
    void align() {
        while (size_ % 8 != 4) byte(0);
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    void write(const void *from, std::size_t n) {
        std::memcpy(&out_[size_], from, n);
        size_ += n;
    }
    std::span<std::byte> out_;
    std::size_t size_ = 0;
};

}  // namespace

std::size_t write_unwind_table(std::span<std::byte> out, const std::byte *begin, std::size_t size,
                               const unwind_rules &rules) {
    enum : unsigned { def_cfa_expression = 0x0f, offset_rule = 0x80 };
    enum : unsigned { op_breg0 = 0x70, op_deref = 0x06, op_plus_const = 0x23 };
    static_assert(offsetof(jit_state, exit_stack) < 64, "one byte");
    table_writer w{out};
    w.word32(0);   // the length, below
    w.word32(0);   // a CIE
    w.byte(1);     // its version
    w.byte(0);     // no augmentation
    w.byte(1);     // code alignment
    w.byte(0x78);  // data alignment: -8
    w.byte(rules.return_address);
    w.byte(def_cfa_expression);
    w.byte(5);
    w.byte(op_breg0 + rules.state);
    w.byte(offsetof(jit_state, exit_stack));
    w.byte(op_deref);
    w.byte(op_plus_const);
    w.byte(rules.entry_bytes);
    unsigned words = 0;
    for (const uint8_t r : rules.kept) {
        w.byte(offset_rule | r);
        w.byte(++words);
    }
    w.align();
    w.patch32(0, static_cast<uint32_t>(w.size() - 4));
    const std::size_t fde = w.size();
    w.word32(0);
    w.word32(static_cast<uint32_t>(w.size()));  // back to the CIE
    w.word64(reinterpret_cast<uint64_t>(begin));
    w.word64(size);
    w.align();
    w.patch32(fde, static_cast<uint32_t>(w.size() - fde - 4));
    w.word32(0);  // the end
    return w.size();
}

}  // namespace bpftime::vm::ubpf
