// bpftime-vm: programs that iterate over the entries of a map, and write text about them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/iterator.hpp"

#include "compat/run.hpp"
#include "helper_words.hpp"
#include "runtime/read_section.hpp"
#include "sequence_text.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <exception>
#include <optional>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

struct iteration {
    sequence_text *text = nullptr;
    const void *context = nullptr;
};
thread_local iteration current;

}  // namespace

sequence_text *sequence_text::of(uint64_t word) noexcept {
    const compat::run *const run = compat::run::current();
    const bool is_its = run != nullptr and current.text != nullptr and
                        run->input().begin == word_of(current.context) and
                        word == word_of(current.text);
    return is_its ? current.text : nullptr;
}

int sequence_text::append(std::string_view text) {
    overflowed_ |= text_.size() - begin_ + text.size() >= most_bytes or
                   text_.size() + text.size() > most_bytes_in_all;
    if (overflowed_) return -EOVERFLOW;
    text_ += text;
    return 0;
}

sequence_text::scope::scope(sequence_text &text, const void *context) noexcept
    : outer_text_{std::exchange(current.text, &text)},
      outer_context_{std::exchange(current.context, context)} {}
sequence_text::scope::~scope() { current = {outer_text_, outer_context_}; }

namespace {

/// struct bpf_iter_meta
struct meta_data {
    uint64_t seq = 0;
    uint64_t session_id = 0;
    uint64_t seq_num = 0;
};

/// struct bpf_iter__bpf_map_elem
struct element_context {
    uint64_t meta = 0;
    uint64_t map = 0;
    uint64_t key = 0;
    uint64_t value = 0;
};

std::atomic<uint64_t> last_session = 0;

error kernel_error(int number, const char *what) {
    error e = make_error(error_code::limit_exceeded, what);
    e.kernel_errno = number;
    return e;
}

/// One iterate() in progress. Maps are left without exceptions, which helpers may throw.
class element_iteration {
public:
    element_iteration(ebpf_vm &vm, map &over) : vm_{vm}, over_{over} {}

    result<std::string> run() && {
        const read_section reading;
        over_.for_each_elem(visit, this);
        if (not failed_ and thrown_ == nullptr) show(nullptr, nullptr, 0);
        if (thrown_ != nullptr) std::rethrow_exception(thrown_);
        if (failed_) return std::unexpected{std::move(*failed_)};
        return text_.take();
    }

private:
    static bool visit(void *context, const void *key, void *value) noexcept {
        auto &self = *static_cast<element_iteration *>(context);
        try {
            return not self.show_entry(key, value);
        } catch (...) {
            self.thrown_ = std::current_exception();
            return true;
        }
    }

    bool show_entry(const void *key, void *value) {
        const auto *const bytes = static_cast<const uint8_t *>(key);
        if (not is_percpu(over_.definition().type))
            return show(key, value, over_.shape().value_size);
        auto values = over_.lookup({bytes, over_.definition().key_size});
        if (not values) {
            const bool is_gone = values.error().kernel_errno == ENOENT;
            return is_gone or fail(std::move(values.error()));
        }
        return show(key, values->data(), values->size());
    }

    /// Whether to go on.
    bool show(const void *key, void *value, std::size_t value_bytes) {
        // The end has the number of the last entry.
        const uint64_t number = key == nullptr and seen_ != 0 ? seen_ - 1 : seen_;
        meta_data meta{word_of(&text_), session_, number};
        element_context context{word_of(&meta), word_of(&over_), word_of(key), word_of(value)};
        const std::size_t key_bytes = key == nullptr ? 0 : over_.definition().key_size;
        const ebpf_region regions[] = {
            {&meta, sizeof meta, EBPF_PERM_READ},
            {const_cast<void *>(key), key_bytes, EBPF_PERM_READ},
            {value, value_bytes, over_.shape().permission},
        };
        const sequence_text::scope scope{text_, &context};
        text_.begin_entry();
        ++seen_;
        int64_t r0 = 0;
        const std::size_t count = key == nullptr ? 1 : std::size(regions);
        const int64_t code = vm_.exec_regions(&context, sizeof context, regions, count, r0);
        if (code != EBPF_OK) {
            const bool has_faulted = code == EBPF_ERROR_FAULT;
            return fail(
                make_error(has_faulted ? error_code::program_fault : error_code::unsupported,
                           vm_.error_message()));
        }
        if (text_.has_overflowed())
            return fail(kernel_error(E2BIG, "the program writes too much (E2BIG)"));
        if (static_cast<int32_t>(r0) != 0)
            return fail(kernel_error(EAGAIN, "the program wants the entry again later (EAGAIN)"));
        return true;
    }

    bool fail(error e) {
        failed_ = std::move(e);
        return false;
    }

    ebpf_vm &vm_;
    map &over_;
    sequence_text text_;
    const uint64_t session_ = ++last_session;
    uint64_t seen_ = 0;
    std::optional<error> failed_;
    std::exception_ptr thrown_;
};

}  // namespace

bool iterates_over_maps(std::string_view section) noexcept {
    return section == "iter/bpf_map_elem" or section == "iter.s/bpf_map_elem";
}

bool can_be_iterated(map_type type) noexcept {
    return (is_percpu(type) and type != map_type::percpu_cgroup_storage) or
           type == map_type::hash or type == map_type::lru_hash or type == map_type::array;
}

result<std::string> iterate(const loaded_program &program, const std::shared_ptr<map> &over) {
    if (not iterates_over_maps(program.info.section)) {
        return std::unexpected{make_error(
            error_code::unsupported,
            fmt::format("program '{}' of section '{}' does not iterate over the entries of a map",
                        program.info.name, program.info.section))};
    }
    if (not can_be_iterated(over->definition().type)) {
        return std::unexpected{make_error(error_code::unsupported,
                                          fmt::format("maps of type {} cannot be iterated over",
                                                      name_of(over->definition().type)))};
    }
    return element_iteration{*program.vm, *over}.run();
}

}  // namespace bpftime::vm::runtime
