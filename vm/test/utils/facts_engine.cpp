// bpftime-vm: an engine that asserts all that the analysis knows, before every instruction
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "facts_engine.hpp"

#include "analysis/facts.hpp"
#include "compat/linked_world.hpp"
#include "isa/text.hpp"
#include "ubpf/ubpf_vm.hpp"
#include "ubpf/watcher.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

namespace bpftime::vm::test {

namespace {

using analysis::access_facts;
using analysis::effort;
using analysis::verdict;

/// Facts found with one effort, and what they say before each instruction that was executed.
class known_facts {
public:
    known_facts(const program &p, const analysis::environment &world, effort e)
        : how{e}, found{analysis::facts::analyse(p, world, e)}, states_(p.size()) {}

    /// Whether before() can be asked: it walks from where paths last met, which takes time in the
    /// square of what long programs do without a branch.
    [[nodiscard]] bool has_states() const noexcept {
        constexpr std::size_t most = 8192;
        return states_.size() <= most;
    }
    /// Null: the instruction cannot be reached.
    [[nodiscard]] const analysis::state *before(uint32_t pc) {
        const std::lock_guard guard{lock_};
        auto &kept = states_[pc];
        if (kept == nullptr)
            kept = std::make_unique<std::optional<analysis::state>>(found.before(pc));
        return *kept ? &**kept : nullptr;
    }

    const effort how;
    const analysis::facts found;

private:
    std::mutex lock_;
    std::vector<std::unique_ptr<std::optional<analysis::state>>> states_;
};

/// One access of the instruction at a moment.
struct access {
    uint64_t address;
    uint64_t size;
    permission wanted;
};

std::optional<access> access_at(const isa::instruction &i, const ubpf::moment &now) {
    const isa::insn_info &row = isa::info(i.id);
    const auto at = [&](uint8_t base, permission wanted) -> access {
        return {now.registers[base] + static_cast<uint64_t>(int64_t{i.offset}),
                isa::bytes_of(row.width), wanted};
    };
    switch (isa::kind_of(i.id)) {
    case isa::operation_kind::load: return at(i.src, permission::read);
    case isa::operation_kind::store: return at(i.dst, permission::write);
    case isa::operation_kind::atomic:
        if (row.operation == isa::operation::load_acquire) return at(i.src, permission::read);
        if (row.operation == isa::operation::store_release) return at(i.dst, permission::write);
        return at(i.dst, permission::read_write);
    default: return std::nullopt;
    }
}

class truth final : public ubpf::watcher {
public:
    explicit truth(const compat::build_input &input)
        : code_{input.code},
          config_{input.config},
          linked_{input.linked},
          world_{input.code, input.linked, input.config},
          full_{code_, world_, effort::full},
          quick_{code_, world_, effort::quick} {}

    void see(const ubpf::moment &now) override {
        // Of what loops for long, some moments.
        constexpr uint64_t all_of_the_first = 200'000;
        constexpr uint64_t one_in = 61;
        const uint64_t n = seen_.fetch_add(1, std::memory_order_relaxed);
        if (n > all_of_the_first and n % one_in != 0) return;
        check(full_, now);
        check(quick_, now);
    }

private:
    void check(known_facts &known, const ubpf::moment &now) {
        if (known.has_states()) check_state(known, now);
        check_access(known, now);
        check_arguments(known, now);
    }

    void check_state(known_facts &known, const ubpf::moment &now) {
        const analysis::state *const s = known.before(now.pc);
        if (s == nullptr) fail(known, now, "is executed, but cannot be reached");
        std::vector<uint64_t> tops;
        for (uint32_t depth = 0; depth <= now.depth; ++depth)
            tops.push_back(now.run.frame_top(depth));
        const packet_at packet = packet_of(now);
        const analysis::concretisation where{
            .input = now.run.input().begin,
            .input_length = now.run.input().len,
            .packet_meta = packet.meta,
            .packet = packet.data,
            .packet_end = packet.end,
            .frame_tops = tops,
            .map_word = [&](uint32_t map) { return linked_.maps()[map].word; },
            .memory_start = [&](uint32_t index) { return linked_.regions()[index].begin; },
        };
        const auto slot = [&](uint32_t index) {
            uint64_t word = 0;
            std::memcpy(&word, reinterpret_cast<const void *>(tops.back() - 8 * (index + 1)),
                        sizeof(word));
            return word;
        };
        if (not holds(*s, now.registers, slot, where))
            fail(known, now, "does not hold:\n" + to_text(*s));
    }

    /// Where the packet is, as the input memory says.
    struct packet_at {
        uint64_t data = 0;
        uint64_t end = 0;
        uint64_t meta = 0;
    };
    [[nodiscard]] packet_at packet_of(const ubpf::moment &now) const {
        const auto &input = config_.input;
        if (not input or input->packet_permission == 0 or now.run.input().len == 0) return {};
        const auto word = [&](uint32_t offset) {
            uint64_t value = 0;
            std::memcpy(&value, reinterpret_cast<const void *>(now.run.input().begin + offset),
                        sizeof value);
            return value;
        };
        const uint64_t data = word(input->data_offset);
        const bool has_meta = input->data_meta_offset != EBPF_NO_OFFSET;
        return {data, word(input->data_end_offset),
                has_meta ? word(input->data_meta_offset) : data};
    }

    /// Frames that are hidden are not in the memory map.
    static bool allows(const ubpf::moment &now, uint64_t address, uint64_t size,
                       permission wanted) {
        if (now.run.memory().allows(address, size, wanted)) return true;
        for (uint32_t depth = 0; depth <= now.depth; ++depth) {
            if (now.run.stack().frame(depth).holds(address, size)) return true;
        }
        return false;
    }

    void check_access(known_facts &known, const ubpf::moment &now) {
        const auto a = access_at(code_.insn(now.pc), now);
        if (not a) return;
        const access_facts &said = known.found.access(now.pc);
        const bool is_allowed = allows(now, a->address, a->size, a->wanted);
        switch (said.what) {
        case verdict::unreachable: fail(known, now, "is an access that cannot be reached");
        case verdict::proven:
        case verdict::covered:
            if (not is_allowed) fail(known, now, "is said to be allowed, and is not");
            break;
        case verdict::check:
        case verdict::faults: break;
        }
        if (is_allowed and said.is_aligned and a->address % a->size != 0)
            fail(known, now, "is said to be aligned, and is not");
        if (is_allowed and said.is_non_null and a->address == 0) fail(known, now, "is null");
    }

    void check_arguments(known_facts &known, const ubpf::moment &now) {
        if (isa::info(code_.insn(now.pc).id).operation != isa::operation::call_helper) return;
        const helper_declaration *const helper =
            world_.helper(static_cast<uint32_t>(code_.insn(now.pc).imm));
        const uint8_t proven = known.found.proven_arguments(now.pc);
        for (unsigned i = 0; proven >> i != 0; ++i) {
            if ((proven >> i & 1) == 0) continue;
            const argument_declaration &declared = helper->arguments[i];
            const uint64_t address = now.registers[1 + i];
            if (declared.may_be_null and address == 0) continue;
            const uint64_t size = size_of(*helper, i, now);
            const permission wanted = permission_of(declared.kind);
            if (size != 0 and not allows(now, address, size, wanted))
                fail(known, now, fmt::format("argument {} is said to be allowed, and is not", i));
        }
    }

    /// Bytes of the memory that argument `i` tells.
    [[nodiscard]] uint64_t size_of(const helper_declaration &helper, unsigned i,
                                   const ubpf::moment &now) const {
        const argument_declaration &declared = helper.arguments[i];
        if (not depends_on_map(declared.kind)) {
            const bool has_size = i + 1 < max_helper_arguments and
                                  helper.arguments[i + 1].kind == argument_kind::memory_size;
            if (permission_of(declared.kind) == permission::none) return 0;
            return declared.size != 0 or not has_size ? declared.size : now.registers[2 + i];
        }
        for (const compat::linked_map &m : linked_.maps()) {
            for (unsigned at = 0; at < max_helper_arguments; ++at) {
                if (helper.arguments[at].kind != argument_kind::map or
                    m.word != now.registers[1 + at])
                    continue;
                return declared.kind == argument_kind::map_key ? m.shape->key_size
                                                               : m.shape->value_size;
            }
        }
        return 0;
    }

    [[noreturn]] void fail(const known_facts &known, const ubpf::moment &now,
                           const std::string &why) const {
        std::string words;
        for (unsigned r = 0; r < isa::register_count; ++r)
            words += fmt::format(" r{}={:#x}", r, now.registers[r]);
        fmt::print(stderr, "wrong fact ({}): pc {} ({}) {}\n{}\n",
                   known.how == effort::full ? "full" : "quick", now.pc,
                   isa::to_text(code_.insn(now.pc)), why, words);
        std::fflush(stderr);
        std::abort();
    }

    const program &code_;
    const compat::vm_config &config_;
    const compat::linkage &linked_;
    const compat::linked_world world_;
    known_facts full_;
    known_facts quick_;
    std::atomic<uint64_t> seen_ = 0;
};

class facts_vm final : public ubpf::ubpf_vm {
    result<std::unique_ptr<const compat::executable>> build(
        const compat::build_input &input) override {
        // Facts are about runs with checks.
        if (not input.config.bounds_checks) return ubpf_vm::build(input);
        return ubpf::make_watched_interpreter(input, std::make_unique<truth>(input));
    }
};

}  // namespace

void register_facts_engine() {
    compat::register_vm_factory(facts_backend, [] { return std::make_unique<facts_vm>(); });
}

}  // namespace bpftime::vm::test
