// bpftime-vm: what a run has of maps until it ends
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/run.hpp"
#include "runtime/read_section.hpp"
#include "runtime/ring_buffer.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace bpftime::vm::runtime {

class object_heap;

/// One for each whole run in progress on a thread that used a map in a way that lasts.
class run_scope {
public:
    /// That of the innermost run on this thread; null outside of runs, and where there is no memory
    /// for one: then the run is within another one, and has nothing that lasts.
    [[nodiscard]] static run_scope *current() noexcept;
    /// The same for the whole run that `part` is, or is a part of, which is the innermost one.
    [[nodiscard]] static run_scope *of(compat::run &part) noexcept {
        compat::run &run = part.whole();
        return innermost != nullptr and innermost->run_ == &run ? innermost : begin(run);
    }
    /// The same, but throws std::bad_alloc where there is no memory.
    [[nodiscard]] static run_scope *current_or_throw();
    /// The same, but where there is no memory that of a run around, which lasts longer.
    [[nodiscard]] static run_scope *current_or_outer() noexcept;

    /// What is looked up from now on stays until the run ends.
    void read() noexcept {
        if (not reading_) reading_.emplace();
    }

    /// Maps that the program found in maps.
    void add_map(const map *found);
    [[nodiscard]] bool has_map(const map *m) const noexcept;

    /// Records that the program has yet to submit or discard; if it does not, they are discarded.
    void add_record(void *record, ring_buffer &ring) { records_.push_back({record, &ring}); }
    /// The record's ring, which it then no longer counts for; null if there is no such record.
    [[nodiscard]] ring_buffer *take_record(void *record) noexcept;

    /// Memory for a map that is this run's alone, zeros at first; null if there is none.
    [[nodiscard]] void *own_words(const map &of, std::size_t count) noexcept;

    /// Objects that the program owns; what it does not give to others goes back at the end.
    void own_object(uint64_t begin, object_heap &of) {
        ++owned_objects_.try_emplace(begin, owned_object{&of, 0}).first->second.count;
    }
    /// Whether the program owned the object, which it then does once less.
    [[nodiscard]] bool take_object(uint64_t begin) noexcept;

    /// The lock that the program has yet to give back; if it does not, that is done at the end.
    void set_lock(const void *field) noexcept { lock_ = field; }

private:
    struct open_record {
        void *record;
        ring_buffer *ring;
    };

    struct owned_words {
        const map *of;
        std::unique_ptr<uint64_t[]> words;
    };

    struct owned_object {
        object_heap *of;
        uint32_t count;
    };

    /// That of the innermost run that has one.
    [[gnu::tls_model("initial-exec")]] static constinit thread_local run_scope *innermost;

    static run_scope *begin(compat::run &run) noexcept;
    static void end() noexcept;
    [[nodiscard]] static run_scope *outermost() noexcept;
    [[nodiscard]] run_scope *inner() noexcept;
    void clear() noexcept;

    compat::run *run_ = nullptr;
    run_scope *outer_ = nullptr;
    std::unique_ptr<run_scope> inner_;  ///< of the next run within this one, made for the first
    std::optional<read_section> reading_;
    std::vector<const map *> maps_;
    std::vector<open_record> records_;
    std::vector<owned_words> owned_;
    std::unordered_map<uint64_t, owned_object> owned_objects_;  ///< by their begin
    const void *lock_ = nullptr;
};

}  // namespace bpftime::vm::runtime
