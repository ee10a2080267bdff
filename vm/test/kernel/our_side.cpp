// bpftime-vm: a program on one of our engines
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "our_side.hpp"

#include "compat/fault.hpp"
#include "runtime/packet.hpp"
#include "runtime/ring_buffer.hpp"

#include <algorithm>
#include <optional>

namespace bpftime::vm::differential {

using runtime::loaded_object;

namespace {

/// Room that BPF_PROG_TEST_RUN leaves around an XDP packet: a page, less what is kept at its ends.
constexpr std::size_t page_bytes = 4096;
constexpr std::size_t room_before = 256;
constexpr std::size_t shared_info_bytes = 320;

class our_map_view : public map_view {
public:
    explicit our_map_view(runtime::map &m) : map_{m} {}

    bytes next_key(const bytes &key) override {
        auto next = map_.next_key(key);
        return next ? std::move(*next) : bytes{};
    }
    std::optional<bytes> lookup(const bytes &key) override {
        auto value = map_.lookup(key);
        return value ? std::optional{std::move(*value)} : std::nullopt;
    }
    void update(const bytes &key, const bytes &value) override {
        // Both sides refuse the same updates, or contents differ.
        static_cast<void>(map_.update(key, value));
    }
    std::vector<bytes> take_records() override {
        std::vector<bytes> all;
        if (auto *const ring = runtime::as_ring_buffer(&map_)) {
            ring->consume([&all](std::span<const uint8_t> record) {
                all.emplace_back(record.begin(), record.end());
                return true;
            });
            return all;
        }
        bytes value(map_.host_value_size());
        while (map_.lookup_and_delete({}, value)) all.push_back(value);
        return all;
    }
    std::size_t value_size() const override { return map_.host_value_size(); }

private:
    runtime::map &map_;
};

packet_marks marks_of(const runtime::skb_context &c) {
    packet_marks marks{.mark = c.mark, .priority = c.priority, .cb = {}, .tstamp = c.tstamp};
    std::ranges::copy(c.cb, marks.cb.begin());
    return marks;
}

}  // namespace

std::expected<our_side, std::string> our_side::load(const subject &s, const std::string &backend) {
    // Whoever compares keeps the types.
    const std::shared_ptr<const object::btf> target{std::shared_ptr<void>{}, s.target};
    auto object = loaded_object::load(*s.file, {.programs = s.programs,
                                                .backend = backend,
                                                .adjust = adjust,
                                                .target = target,
                                                .type = s.type});
    if (not object) return std::unexpected{object.error().message};
    auto vm = object->programs().front().vm;
    // The interpreter has nothing to compile.
    if (backend != "ubpf" and vm->compile() == nullptr) return std::unexpected{vm->error_message()};
    return our_side{s, std::move(*object), std::move(vm)};
}

std::string our_side::why_not(const std::string &message) const {
    const compat::fault fault = compat::last_fault();
    if (fault.kind != compat::fault_kind::unavailable) return message;
    return std::string{unavailable} +
           std::string{object_.programs().front().why_unavailable(fault.pc)};
}

void our_side::fill_maps() {
    for (const auto &[i, definition] : subject_->maps) {
        if (is_internal(subject_->file->maps()[i])) continue;
        our_map_view view{*object_.maps()[i]};
        fill(definition, view);
    }
}

observation our_side::run(const bytes &frame, std::size_t shift) {
    const std::size_t after = page_bytes - room_before - shared_info_bytes - frame.size();
    bytes buffer(shift + room_before + frame.size() + after);
    const std::span<uint8_t> packet_there{buffer.data() + shift + room_before, frame.size()};
    std::ranges::copy(frame, packet_there.begin());
    auto context = runtime::packet_context::create(subject_->type, packet_there,
                                                   {.before = room_before, .after = after});
    if (not context) return refused(context.error().message);
    // A test run that gives a context back fills this in, others leave it 0.
    if (auto *const skb = context->skb()) skb->wire_len = skb->len;
    int64_t r0 = 0;
    if (context->exec(*vm_, r0) != EBPF_OK) return refused(why_not(vm_->error_message()));
    observation seen;
    seen.verdict = static_cast<uint32_t>(r0);
    if (context->skb() == nullptr) {
        const auto metadata = context->metadata();
        seen.packet.assign(metadata.begin(), metadata.end());
    } else {
        seen.marks = marks_of(*context->skb());
    }
    const auto packet = context->packet();
    seen.packet.insert(seen.packet.end(), packet.begin(), packet.end());
    return seen;
}

std::map<std::string, map_contents> our_side::maps() {
    std::map<std::string, map_contents> all;
    for (const auto &[i, definition] : subject_->maps) {
        if (not is_compared(definition.type)) continue;
        our_map_view view{*object_.maps()[i]};
        all.emplace(definition.name, contents_of(definition, view));
    }
    return all;
}

}  // namespace bpftime::vm::differential
