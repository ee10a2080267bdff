// bpftime-vm: what programs that iterate write
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace bpftime::vm::runtime {

/// What stands for a struct seq_file. Programs know it by its address, at which they find nothing.
class sequence_text {
public:
    /// What the kernel has room for, for one entry.
    static constexpr std::size_t most_bytes = 32 << 10;
    /// For all entries. The kernel hands text on as it comes.
    static constexpr std::size_t most_bytes_in_all = 64 << 20;

    /// That of the running program, if `word` is its address; else null.
    [[nodiscard]] static sequence_text *of(uint64_t word) noexcept;

    /// 0 or -EOVERFLOW, from then on until the next entry.
    int append(std::string_view text);
    [[nodiscard]] bool has_overflowed() const noexcept { return overflowed_; }

    void begin_entry() noexcept {
        begin_ = text_.size();
        overflowed_ = false;
    }
    [[nodiscard]] std::string take() noexcept { return std::move(text_); }

    /// Makes it that of the runs with this input memory, until the scope ends.
    class scope {
    public:
        scope(sequence_text &text, const void *context) noexcept;
        ~scope();
        scope(const scope &) = delete;
        scope &operator=(const scope &) = delete;

    private:
        sequence_text *outer_text_;
        const void *outer_context_;
    };

private:
    std::string text_;
    std::size_t begin_ = 0;  ///< of what is about this entry
    bool overflowed_ = false;
};

}  // namespace bpftime::vm::runtime
