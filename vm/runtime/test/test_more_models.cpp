// bpftime-vm: the other types of maps against models: what test_models.cpp has not
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines.hpp"
#include "models.hpp"
#include "programs.hpp"
#include "runtime/cgroup_site.hpp"
#include "runtime/cpu.hpp"
#include "runtime/map_set.hpp"
#include "runtime/read_section.hpp"
#include "runtime/stack_trace_map.hpp"
#include "runtime/storage_owner.hpp"
#include "runtime/user_ring_buffer.hpp"
#include "support.hpp"

#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace bpftime::vm::runtime::test {

namespace {

using dictionary = std::map<uint32_t, bytes>;

/// What an update of a map with keys of its own has to say.
int expected_update(const dictionary &model, uint32_t k, uint64_t flags, uint32_t most) {
    if (flags == update_noexist and model.contains(k)) return EEXIST;
    if (flags == update_exist and not model.contains(k)) return ENOENT;
    return not model.contains(k) and model.size() == most ? E2BIG : 0;
}

/// A value for each CPU of a per-CPU map, or one.
bytes some_value(const map &m, uint32_t seed) {
    bytes value(m.host_value_size());
    for (std::size_t at = 0; at + 8 <= value.size(); at += 8)
        std::ranges::copy(word(seed * 100 + at), value.begin() + static_cast<std::ptrdiff_t>(at));
    return value;
}

void check_entries(const map &m, const dictionary &model) {
    std::set<uint32_t> there;
    for (const bytes &k : keys_of(m)) there.insert(number_of<uint32_t>(k));
    RC_ASSERT(there.size() == model.size());
    for (const auto &[k, value] : model) RC_ASSERT(there.contains(k));
}

constexpr uint32_t hash_entries = 8;

TEST(model, hashes_know_what_is_there) {
    for (const map_type type : {map_type::hash, map_type::percpu_hash}) {
        check_steps("hash", [type](auto more, auto pick) {
            const auto m = make(type, hash_entries);
            dictionary model;
            while (more()) {
                const uint32_t k = pick(12);
                const bytes value = some_value(*m, pick(1000));
                bytes found(m->host_value_size());
                switch (pick(5)) {
                case 0:
                case 1: {
                    const uint64_t flags = pick(3);
                    const int expected = expected_update(model, k, flags, hash_entries);
                    RC_ASSERT(errno_of(m->update(key(k), value, flags)) == expected);
                    if (expected == 0) model[k] = value;
                    break;
                }
                case 2:
                    RC_ASSERT(errno_of(m->lookup(key(k), found)) ==
                              (model.contains(k) ? 0 : ENOENT));
                    if (model.contains(k)) RC_ASSERT(found == model[k]);
                    break;
                case 3:
                    RC_ASSERT(errno_of(m->lookup_and_delete(key(k), found)) ==
                              (model.contains(k) ? 0 : ENOENT));
                    if (model.contains(k)) RC_ASSERT(found == model[k]);
                    model.erase(k);
                    break;
                default:
                    RC_ASSERT(errno_of(m->remove(key(k))) == (model.erase(k) == 1 ? 0 : ENOENT));
                }
                check_entries(*m, model);
            }
        });
    }
}

TEST(model, hashes_are_read_and_emptied_in_batches) {
    check_steps("batches", [](auto more, auto pick) {
        const auto m = make(map_type::hash, 64);
        dictionary model;
        while (more()) {
            const uint32_t k = pick(64);
            model[k] = word(pick(1000));
            RC_ASSERT(errno_of(m->update(key(k), model[k])) == 0);
            if (pick(6) != 0) continue;
            dictionary read;
            const std::size_t step = pick(9) + 1;
            for (bytes from; read.size() <= model.size();) {
                const auto batch = m->lookup_batch(from, step);
                if (not batch) {
                    RC_ASSERT(batch.error().kernel_errno == ENOENT);
                    break;
                }
                RC_ASSERT(batch->count <= step);
                for (std::size_t i = 0; i < batch->count; ++i)
                    read[number_of<uint32_t>(batch->keys, i * 4)] =
                        word(number_of(batch->values, i * 8));
                from = batch->next;
                if (from.empty()) break;
            }
            RC_ASSERT(read == model);
            const auto taken = m->lookup_and_delete_batch(step);
            RC_ASSERT(taken.has_value());
            RC_ASSERT(taken->count == std::min(step, model.size()));
            for (std::size_t i = 0; i < taken->count; ++i)
                RC_ASSERT(model.erase(number_of<uint32_t>(taken->keys, i * 4)) == 1);
            check_entries(*m, model);
        }
    });
}

TEST(model, arrays_have_all_their_entries) {
    static constexpr uint32_t most = 5;
    for (const map_type type : {map_type::array, map_type::percpu_array}) {
        check_steps("array", [type](auto more, auto pick) {
            const auto m = make(type, most);
            std::vector<bytes> model(most, bytes(m->host_value_size()));
            while (more()) {
                const uint32_t k = pick(most + 2);
                const bytes value = some_value(*m, pick(1000));
                bytes found(m->host_value_size());
                switch (pick(3)) {
                case 0: {
                    const uint64_t flags = pick(3);
                    const int expected = k >= most ? E2BIG : flags == update_noexist ? EEXIST : 0;
                    RC_ASSERT(errno_of(m->update(key(k), value, flags)) == expected);
                    if (expected == 0) model[k] = value;
                    break;
                }
                case 1:
                    RC_ASSERT(errno_of(m->lookup(key(k), found)) == (k < most ? 0 : ENOENT));
                    if (k < most) RC_ASSERT(found == model[k]);
                    break;
                default: RC_ASSERT(errno_of(m->remove(key(k))) == EINVAL);
                }
                RC_ASSERT(keys_of(*m).size() == most);
            }
        });
    }
}

TEST(model, lru_percpu_hash_forgets_old_entries_alone) {
    check_steps("lru per-CPU hash", [](auto more, auto pick) {
        static constexpr uint32_t most = 8;
        const auto m = make(map_type::lru_percpu_hash, most);
        dictionary written;
        while (more()) {
            const uint32_t k = pick(30);
            const bytes value = some_value(*m, pick(1000));
            RC_ASSERT(errno_of(m->update(key(k), value)) == 0);
            written[k] = value;
            const auto keys = keys_of(*m);
            RC_ASSERT(keys.size() == std::min<std::size_t>(written.size(), most));
            for (const bytes &there : keys)
                RC_ASSERT(m->lookup(there).value() == written.at(number_of<uint32_t>(there)));
            RC_ASSERT(m->lookup(key(k)).value() == value);
        }
    });
}

TEST(model, bloom_filter_forgets_nothing) {
    check_steps("Bloom filter", [](auto more, auto pick) {
        auto d = define(map_type::bloom_filter, 64);
        d.key_size = 0;
        const auto m = make(d);
        std::set<uint64_t> model;
        while (more()) {
            uint64_t value = pick(200);
            if (pick(2) == 0) {
                RC_ASSERT(m->push_elem(&value, update_any) == 0);
                model.insert(value);
            }
            for (uint64_t known : model) RC_ASSERT(m->peek_elem(&known) == 0);
            RC_ASSERT(m->pop_elem(&value) < 0);
        }
    });
}

TEST(model, maps_of_maps_hold_what_was_put_in) {
    static constexpr uint32_t most = 4;
    for (const map_type type : {map_type::array_of_maps, map_type::hash_of_maps}) {
        check_steps("map of maps", [type](auto more, auto pick) {
            const auto inner = make(map_type::array, 1);
            const std::array maps{make(map_type::array, 1), make(map_type::array, 1)};
            const auto m = make(define(type, most), inner);
            object_map &objects = *as_object_map(m.get());
            const bool is_array = type == map_type::array_of_maps;
            std::map<uint32_t, const map *> model;
            while (more()) {
                const uint32_t k = pick(most + 2);
                const auto &chosen = maps[pick(2)];
                switch (pick(3)) {
                case 0: {
                    const bool fits =
                        is_array ? k < most : model.contains(k) or model.size() < most;
                    RC_ASSERT(errno_of(objects.set_map(key(k), chosen)) == (fits ? 0 : E2BIG));
                    if (fits) model[k] = chosen.get();
                    break;
                }
                case 1: {
                    const read_section reading;
                    const bytes name = key(k);
                    const auto *const found = static_cast<map *>(m->lookup_elem(name.data()));
                    RC_ASSERT(found == (model.contains(k) ? model[k] : nullptr));
                    break;
                }
                default: {
                    const int missing = is_array and k >= most ? E2BIG : ENOENT;
                    RC_ASSERT(errno_of(m->remove(key(k))) == (model.erase(k) == 1 ? 0 : missing));
                }
                }
                for (const auto &[there, held] : model) {
                    RC_ASSERT(number_of<uint32_t>(m->lookup(key(there)).value()) == held->id());
                }
            }
        });
    }
}

TEST(model, arrays_of_programs_hold_what_was_put_in) {
    static constexpr uint32_t most = 4;
    check_steps("array of programs", [](auto more, auto pick) {
        const auto m = make(map_type::prog_array, most);
        object_map &objects = *as_object_map(m.get());
        const std::array programs{std::make_shared<int>(1), std::make_shared<int>(2)};
        std::map<uint32_t, uint32_t> model;
        while (more()) {
            const uint32_t k = pick(most + 1);
            const uint32_t which = pick(2);
            switch (pick(3)) {
            case 0:
                RC_ASSERT(errno_of(objects.set_program(key(k), programs[which], which + 1,
                                                       any_program)) == (k < most ? 0 : E2BIG));
                if (k < most) model[k] = which;
                break;
            case 1:
                objects.take_out(programs[which].get());
                std::erase_if(model, [&](const auto &entry) { return entry.second == which; });
                break;
            default:
                RC_ASSERT(errno_of(m->remove(key(k))) == (model.erase(k) == 1 ? 0
                                                          : k < most          ? ENOENT
                                                                              : E2BIG));
            }
            for (uint32_t i = 0; i < most; ++i) {
                const bytes name = key(i);
                const auto id = objects.object_id(name.data());
                RC_ASSERT(id.has_value() == model.contains(i));
                if (id) RC_ASSERT(*id == model[i] + 1);
            }
        }
    });
}

TEST(model, arrays_of_control_groups_hold_what_was_put_in) {
    static constexpr uint32_t most = 4;
    check_steps("array of control groups", [](auto more, auto pick) {
        const auto m = make(map_type::cgroup_array, most);
        object_map &objects = *as_object_map(m.get());
        const std::array groups{std::make_shared<int>(1), std::make_shared<int>(2)};
        std::map<uint32_t, uint32_t> model;
        while (more()) {
            const uint32_t k = pick(most + 2);
            const uint32_t which = pick(2);
            switch (pick(4)) {
            case 0:
                RC_ASSERT(errno_of(objects.set_object(key(k), groups[which], which + 70)) ==
                          (k < most ? 0 : E2BIG));
                if (k < most) model[k] = which;
                break;
            case 1:
                objects.take_out(groups[which].get());
                std::erase_if(model, [&](const auto &entry) { return entry.second == which; });
                break;
            case 2:
                RC_ASSERT(errno_of(m->update(key(k), key(1))) == (k < most ? EBADF : E2BIG));
                break;
            default:
                RC_ASSERT(errno_of(m->remove(key(k))) == (model.erase(k) == 1 ? 0
                                                          : k < most          ? ENOENT
                                                                              : E2BIG));
            }
            RC_ASSERT(errno_of(m->lookup(key(k))) == not_supported);
            for (uint32_t i = 0; i < most + 1; ++i) {
                const bytes name = key(i);
                const auto id = objects.object_id(name.data());
                RC_ASSERT(id.has_value() == model.contains(i));
                if (id) RC_ASSERT(*id == model[i] + 70);
            }
        }
    });
}

TEST(model, arrays_of_perf_events_send_to_what_was_put_in) {
    static constexpr uint32_t most = 3;
    check_steps("array of perf events", [](auto more, auto pick) {
        const auto m = make(map_type::perf_event_array, most);
        object_map &objects = *as_object_map(m.get());
        const std::array rings{make(map_type::ringbuf, 4096), make(map_type::ringbuf, 4096)};
        std::map<uint32_t, map *> model;
        std::array<std::size_t, 2> sent{};
        while (more()) {
            const uint32_t k = pick(most + 2);
            switch (pick(4)) {
            case 0: {
                const auto &ring = rings[pick(2)];
                const uint64_t flags = pick(3);
                const int expected = flags != update_any ? EINVAL : k < most ? 0 : E2BIG;
                RC_ASSERT(errno_of(objects.set_map(key(k), ring, flags)) == expected);
                if (expected == 0) model[k] = ring.get();
                break;
            }
            case 1:
                RC_ASSERT(errno_of(m->remove(key(k))) == (model.erase(k) == 1 ? 0
                                                          : k < most          ? ENOENT
                                                                              : E2BIG));
                break;
            case 2: RC_ASSERT(errno_of(m->lookup(key(k))) == not_supported); break;
            default: {
                const read_section reading;
                auto *const found = static_cast<map *>(m->lookup_elem(key(k).data()));
                RC_ASSERT(found == (model.contains(k) ? model[k] : nullptr));
                if (found == nullptr) break;
                RC_ASSERT(as_ring_buffer(found)->output(&k, sizeof k, 0) == 0);
                ++sent[found == rings[1].get()];
            }
            }
            for (std::size_t i = 0; i < rings.size(); ++i) {
                if (pick(3) != 0) continue;
                RC_ASSERT(as_ring_buffer(rings[i].get())->consume([](auto) { return true; }) ==
                          std::exchange(sent[i], 0));
            }
        }
    });
}

TEST(model, maps_of_interfaces_are_dictionaries) {
    static constexpr uint32_t most = 4;
    for (const map_type type : {map_type::devmap, map_type::devmap_hash}) {
        check_steps("map of interfaces", [type](auto more, auto pick) {
            const auto m = make(type, most);
            const bool is_array = type == map_type::devmap;
            dictionary model;
            while (more()) {
                const uint32_t k = pick(most + 2);
                const bytes value = bytes_of(pick(1000) + 1);
                switch (pick(3)) {
                case 0: {
                    const uint64_t flags = pick(2);
                    const bool there = model.contains(k);
                    int expected = flags == update_noexist and (there or is_array) ? EEXIST : 0;
                    if (is_array and k >= most) expected = E2BIG;
                    if (not is_array and not there and model.size() == most) expected = E2BIG;
                    RC_ASSERT(errno_of(m->update(key(k), value, flags)) == expected);
                    if (expected == 0) model[k] = value;
                    break;
                }
                case 1: {
                    const auto found = m->lookup(key(k));
                    RC_ASSERT(errno_of(found) == (model.contains(k) ? 0 : ENOENT));
                    if (found) RC_ASSERT(*found == model[k]);
                    break;
                }
                default: {
                    const int missing = is_array ? (k < most ? 0 : EINVAL) : ENOENT;
                    RC_ASSERT(errno_of(m->remove(key(k))) == (model.erase(k) == 1 ? 0 : missing));
                }
                }
            }
        });
    }
}

TEST(model, maps_of_sockets_are_dictionaries) {
    static constexpr uint32_t most = 4;
    for (const map_type type : {map_type::sockmap, map_type::sockhash}) {
        check_steps("map of sockets", [type](auto more, auto pick) {
            auto d = define(type, most);
            d.value_size = 8;
            const auto m = make(d);
            const bool is_array = type == map_type::sockmap;
            dictionary model;
            while (more()) {
                const uint32_t k = pick(most + 2);
                const bytes value = word(pick(1000));
                switch (pick(3)) {
                case 0: {
                    const uint64_t flags = pick(3);
                    int expected = expected_update(model, k, flags, is_array ? ~0U : most);
                    if (is_array and k >= most) expected = E2BIG;
                    RC_ASSERT(errno_of(m->update(key(k), value, flags)) == expected);
                    if (expected == 0) model[k] = value;
                    break;
                }
                case 1: {
                    const auto found = m->lookup(key(k));
                    RC_ASSERT(errno_of(found) == (model.contains(k) ? 0 : ENOENT));
                    if (found) RC_ASSERT(*found == model[k]);
                    break;
                }
                default:
                    RC_ASSERT(errno_of(m->remove(key(k))) == (model.erase(k) == 1 ? 0
                                                              : is_array          ? EINVAL
                                                                                  : ENOENT));
                }
                if (is_array)
                    RC_ASSERT(keys_of(*m).size() == most);
                else
                    check_entries(*m, model);
            }
        });
    }
}

TEST(model, maps_of_cpus_and_of_their_sockets_are_arrays) {
    const uint32_t most = cpu_count() + 1;
    for (const map_type type : {map_type::cpumap, map_type::xskmap}) {
        check_steps("redirections", [type, most](auto more, auto pick) {
            const auto m = make(type, most);
            const bool has_cpus = type == map_type::cpumap;
            std::map<uint32_t, uint32_t> model;
            while (more()) {
                const uint32_t k = pick(most + 1);
                const uint32_t target = pick(4) == 0 ? pick(40'000) : pick(3);
                if (pick(3) != 0) {
                    const uint64_t flags = pick(3);
                    int expected = 0;
                    if (has_cpus and k >= cpu_count()) expected = ENODEV;
                    if (has_cpus and target > 16384) expected = EOVERFLOW;
                    if (not has_cpus and target == 0) expected = EBADF;
                    if (flags == update_noexist) expected = EEXIST;
                    if (k >= most) expected = E2BIG;
                    RC_ASSERT(errno_of(m->update(key(k), key(target), flags)) == expected);
                    if (expected == 0) model[k] = target;
                    if (expected == 0 and target == 0) model.erase(k);
                } else {
                    RC_ASSERT(errno_of(m->remove(key(k))) == (k < most ? 0 : EINVAL));
                    model.erase(k);
                }
                for (uint32_t i = 0; i < most; ++i) {
                    const bytes name = key(i);
                    const auto *const found =
                        static_cast<const uint32_t *>(m->lookup_elem(name.data()));
                    RC_ASSERT((found != nullptr) == model.contains(i));
                    if (found != nullptr) RC_ASSERT(*found == model[i]);
                    const int to_host = not has_cpus ? EOPNOTSUPP : model.contains(i) ? 0 : ENOENT;
                    RC_ASSERT(errno_of(m->lookup(name)) == to_host);
                }
            }
        });
    }
}

/// Programs make the values, with the first run in a group; hosts change those that are there.
TEST(model, values_of_control_groups_are_made_by_programs) {
    for (const map_type type : {map_type::cgroup_storage, map_type::percpu_cgroup_storage}) {
        const auto vm = vm::test::make_vm(vm::test::engines().front());
        map_set maps{{make(type, 0)}};
        ASSERT_EQ(errno_of(maps.attach(*vm)), 0);
        const auto code = vm::test::assemble(
            "lddw %r1, map_by_idx(0)\nmov %r2, 0\ncall 81\nldxdw %r6, [%r0]\nmov %r1, %r6\n"
            "add %r1, 1\nstxdw [%r0], %r1\nmov %r0, %r6\nexit");
        ASSERT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
        map &m = *maps[0];
        const bool is_percpu = type == map_type::percpu_cgroup_storage;
        using group = std::pair<uint64_t, uint32_t>;  // and the type of the attachment
        std::map<group, uint64_t> model;
        const auto key_of = [](const group &g) {
            bpf_cgroup_storage_key k{};
            k.cgroup_inode_id = g.first;
            k.attach_type = g.second;
            return bytes_of(k);
        };
        const auto sum_of = [](const bytes &value) {
            uint64_t sum = 0;
            for (std::size_t at = 0; at < value.size(); at += 8) sum += number_of(value, at);
            return sum;
        };
        check_steps("values of groups", [&](auto more, auto pick) {
            while (more()) {
                const group g{pick(3) + 1, pick(2)};
                const bytes k = key_of(g);
                const bool there = model.contains(g);
                switch (pick(3)) {
                case 0: {
                    cgroup_site site{.group = g.first, .attach_type = g.second};
                    const scoped_cgroup_site scope{site};
                    int64_t before = 0;
                    RC_ASSERT(vm->exec(nullptr, 0, before) == 0);
                    if (not is_percpu) RC_ASSERT(static_cast<uint64_t>(before) == model[g]);
                    ++model[g];
                    break;
                }
                case 1: {
                    bytes value(m.host_value_size());
                    const uint64_t number = pick(1000);
                    std::ranges::copy(word(number), value.begin());
                    const uint64_t flags = pick(3);
                    const int expected = flags == update_noexist ? EINVAL : there ? 0 : ENOENT;
                    RC_ASSERT(errno_of(m.update(k, value, flags)) == expected);
                    if (expected == 0) model[g] = number;
                    break;
                }
                default: RC_ASSERT(errno_of(m.remove(k)) == EINVAL);
                }
                RC_ASSERT(keys_of(m).size() == model.size());
                for (const auto &[known, sum] : model)
                    RC_ASSERT(sum_of(m.lookup(key_of(known)).value()) == sum);
                if (not model.contains(g)) RC_ASSERT(errno_of(m.lookup(k)) == ENOENT);
            }
        });
    }
}

TEST(model, stacks_are_found_by_their_numbers) {
    check_steps("stack traces", [](auto more, auto pick) {
        auto d = define(map_type::stack_trace, 64);
        d.value_size = 4 * 8;
        const auto m = make(d);
        stack_trace_map &stacks = *as_stack_trace_map(m.get());
        std::map<int64_t, std::vector<uint64_t>> model;
        while (more()) {
            std::vector<uint64_t> stack(pick(4) + 1);
            for (uint64_t &frame : stack) frame = pick(3) + 1;
            const bool replaces = pick(2) == 0;
            const int64_t number = stacks.put(stack, replaces ? uint64_t{stack_replace} : 0);
            const bool is_taken = number == -EEXIST;
            RC_ASSERT((is_taken ? not replaces : number >= 0 and number < 64));
            if (not is_taken) model[number] = stack;
            for (const auto &[known, frames] : model) {
                bytes expected;
                for (const uint64_t frame : frames)
                    std::ranges::copy(word(frame), std::back_inserter(expected));
                expected.resize(d.value_size);
                RC_ASSERT(m->lookup(key(static_cast<uint32_t>(known))).value() == expected);
            }
            if (pick(5) == 0 and not model.empty()) {
                const auto gone = static_cast<uint32_t>(model.begin()->first);
                RC_ASSERT(errno_of(m->remove(key(gone))) == 0);
                RC_ASSERT(errno_of(m->remove(key(gone))) == ENOENT);
                model.erase(model.begin());
            }
        }
    });
}

TEST(model, user_ring_buffer_hands_over_what_was_submitted_in_order) {
    check_steps("user ring", [](auto more, auto pick) {
        auto d = define(map_type::user_ringbuf, 4096);
        d.key_size = d.value_size = 0;
        const auto m = make(d);
        user_ring_buffer &ring = *as_user_ring_buffer(m.get());
        std::deque<std::optional<bytes>> model;  // nothing: discarded
        const auto take = [&] {
            RC_ASSERT(ring.begin());
            std::span<uint8_t> sample;
            const int got = ring.peek(sample);
            const int expected = model.empty() ? -ENODATA : model.front() ? 0 : -EAGAIN;
            RC_ASSERT(got == expected);
            if (got == 0) {
                RC_ASSERT(std::ranges::equal(sample, *model.front()));
                ring.release(sample);
            }
            if (not model.empty()) model.pop_front();
            ring.end(false);
        };
        while (more()) {
            const uint32_t size = pick(5) == 0 ? pick(5000) : pick(60);
            const auto fill = static_cast<uint8_t>(pick(256));
            const auto sample = ring.reserve(size);
            if (sample.data() != nullptr) {
                RC_ASSERT(sample.size() == size);
                std::ranges::fill(sample, fill);
                const bool is_kept = pick(4) != 0;
                if (is_kept)
                    ring.submit(sample.data());
                else
                    ring.discard(sample.data());
                model.push_back(is_kept ? std::optional{bytes(size, fill)} : std::nullopt);
            }
            if (pick(3) == 0) take();
        }
        while (not model.empty()) take();
    });
}

TEST(model, storage_goes_with_its_owners) {
    check_steps("storage", [](auto more, auto pick) {
        const auto m = make(map_type::inode_storage, 0);
        std::vector<std::unique_ptr<storage_owner>> owners(4);
        dictionary model;  // by number of the owner
        while (more()) {
            auto &owner = owners[pick(4)];
            if (owner == nullptr) owner = std::make_unique<storage_owner>(owner_kind::inode);
            const uint32_t k = owner->number();
            switch (pick(4)) {
            case 0: {
                const uint64_t flags = pick(3);
                const int expected = expected_update(model, k, flags, ~0U);
                const bytes value = word(pick(1000));
                RC_ASSERT(errno_of(m->update(key(k), value, flags)) == expected);
                if (expected == 0) model[k] = value;
                break;
            }
            case 1:
                RC_ASSERT(errno_of(m->remove(key(k))) == (model.erase(k) == 1 ? 0 : ENOENT));
                break;
            case 2:
                owner.reset();
                model.erase(k);
                RC_ASSERT(not m->lookup(key(k)).has_value());
                continue;
            default: break;
            }
            const auto found = m->lookup(key(k));
            RC_ASSERT(errno_of(found) == (model.contains(k) ? 0 : ENOENT));
            if (found) RC_ASSERT(*found == model[k]);
        }
    });
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
