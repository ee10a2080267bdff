// bpftime-vm: pinned maps whose files are damaged, before and while they are used
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "pinned_folder.hpp"
#include "runtime/cpu.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string_view>

namespace bpftime::vm::runtime::test {

namespace {

using testing::HasSubstr;
using pinned_files = pinned_maps;

/// Puts entries into a map of any type.
void fill(map &m, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
        const bytes value(m.host_value_size(), static_cast<uint8_t>(i));
        if (ring_buffer *const ring = as_ring_buffer(&m)) {
            ASSERT_EQ(ring->output(&i, sizeof i, 0), 0);
            continue;
        }
        ASSERT_EQ(errno_of(m.update(key_for(m, i), value)), 0);
    }
}

/// Reads and writes all of a value of a program's.
void touch(void *value, const map &m) {
    if (value == nullptr) return;
    std::vector<uint8_t> copy(m.definition().value_size);
    std::memcpy(copy.data(), value, copy.size());
    std::memcpy(value, copy.data(), copy.size());
}

void use_ring(ring_buffer &ring, uint32_t number) {
    if (void *const record = ring.reserve(number % 64 * 8, 0)) {
        std::memset(record, 1, number % 64 * 8);
        number % 3 == 0 ? ring.discard(record, 0) : ring.submit(record, 0);
    }
    uint64_t sum = 0;
    uint32_t taken = 0;
    const auto take = [&](std::span<const uint8_t> record) {
        for (const uint8_t byte : record) sum += byte;
        return ++taken < 1000;
    };
    ring.consume(take);
    for (uint64_t what = 0; what < 4; ++what) static_cast<void>(ring.query(what));
}

void use_entries(map &m, uint32_t number) {
    bytes wanted = key_for(m, number % 16);
    wanted.resize(m.definition().key_size);
    const bytes value(m.host_value_size(), static_cast<uint8_t>(number));
    touch(m.lookup_elem(wanted.data()), m);
    touch(m.lookup_percpu_elem(wanted.data(), number % cpu_count()), m);
    static_cast<void>(m.lookup(wanted));
    static_cast<void>(m.update(wanted, value));
    m.update_elem(wanted.data(), value.data(), update_any);
    if (number % 4 == 0) static_cast<void>(m.remove(wanted));
    if (number % 5 == 0) m.delete_elem(wanted.data());
    if (number % 7 == 0) static_cast<void>(m.lookup_batch({}, 64));
    if (number % 11 == 0) static_cast<void>(m.lookup_and_delete_batch(4));
    const auto visit = [](void *of, const void *, void *found) {
        touch(found, *static_cast<map *>(of));
        return false;
    };
    if (number % 3 == 0) m.for_each_elem(visit, &m);
}

/// What programs and hosts do with a map of this type. Whatever it gives, nothing else is touched.
void use(map &m, uint32_t number) {
    if (ring_buffer *const ring = as_ring_buffer(&m)) return use_ring(*ring, number);
    if (m.definition().key_size != 0) return use_entries(m, number);
    std::vector<uint8_t> value(m.definition().value_size, static_cast<uint8_t>(number));
    m.push_elem(value.data(), number % 2 == 0 ? update_any : update_exist);
    m.peek_elem(value.data());
    if (number % 3 != 0) m.pop_elem(value.data());
    static_cast<void>(m.lookup({}));
}

// --- files that are no maps

TEST_F(pinned_files, do_not_open_what_is_no_map) {
    EXPECT_EQ(errno_of(map::open_pinned(folder_)), EISDIR);
    EXPECT_EQ(errno_of(map::open_pinned("/dev/null")), EBADMSG);
    write({});
    EXPECT_EQ(errno_of(map::open_pinned(path())), EBADMSG);
    write(std::vector<char>(100'000, 'x'));
    const auto refused = map::open_pinned(path());
    EXPECT_EQ(errno_of(refused), EBADMSG);
    EXPECT_THAT(refused.error().message, HasSubstr("is no map, or damaged"));
}

TEST_F(pinned_files, do_not_open_a_file_of_another_length) {
    static_cast<void>(create(map_type::hash, 8));
    const std::vector<char> whole = content();
    for (const std::size_t length : {whole.size() - 1, whole.size() / 2, std::size_t{4096},
                                     std::size_t{100}, std::size_t{4}}) {
        write({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
        EXPECT_EQ(errno_of(map::open_pinned(path())), EBADMSG) << length;
    }
    std::vector<char> longer = whole;
    longer.resize(longer.size() + 4096);
    write(longer);
    EXPECT_EQ(errno_of(map::open_pinned(path())), EBADMSG);
}

/// Where the fields of a header are.
enum field : std::size_t {
    magic = 0,
    version = 8,
    order = 12,
    page_size = 16,
    cpus = 20,
    memory_size = 24,
    type = 32,
    key_size = 36,
    value_size = 40,
    max_entries = 44,
    flags = 48,
    numa_node = 52,
    map_extra = 56,
    name_size = 64,
    name = 68,
    header_end = 324,
};

struct damage {
    const char *what;
    field at;
    uint32_t value;
    int number;  ///< the errno of opening it
};

constexpr uint32_t slashes = 0x2f2f2f2f;

constexpr damage damages[] = {
    {"magic", magic, 0x4d545042, EBADMSG},
    {"version", version, 2, ESTALE},
    {"no version", version, 0, ESTALE},
    {"order of bytes", order, 0x04030201, ESTALE},
    {"size of pages", page_size, 1 << 20, ESTALE},
    {"number of CPUs", cpus, 100'000, ESTALE},
    {"no CPUs", cpus, 0, ESTALE},
    {"no memory", memory_size, 0, EBADMSG},
    {"odd memory", memory_size, 4097, EBADMSG},
    {"too much memory", memory_size, 0xffff'f000, EBADMSG},
    {"no type", type, 0, EBADMSG},
    {"unknown type", type, 1000, EBADMSG},
    {"type that cannot be pinned", type, static_cast<uint32_t>(map_type::stack_trace), EBADMSG},
    {"type of another size", type, static_cast<uint32_t>(map_type::array), EBADMSG},
    {"no keys", key_size, 0, EBADMSG},
    {"longer keys", key_size, 64, EBADMSG},
    {"longest keys", key_size, 0xffff'ffff, EBADMSG},
    {"no values", value_size, 0, EBADMSG},
    {"longer values", value_size, 64, EBADMSG},
    {"longest values", value_size, 0xffff'ffff, EBADMSG},
    {"no entries", max_entries, 0, EBADMSG},
    {"more entries", max_entries, 2048, EBADMSG},
    {"most entries", max_entries, 0xffff'ffff, EBADMSG},
    {"unknown flag", flags, 1U << 31, EBADMSG},
    {"flag of another type", flags, map_mmapable, EBADMSG},
    {"map_extra", map_extra, 1, EBADMSG},
    {"size of the name", name_size, 256, EBADMSG},
    {"huge size of the name", name_size, 0xffff'ffff, EBADMSG},
    {"name", name, slashes, EBADMSG},
    {"behind the name", name, slashes, EBADMSG},
};

class a_damaged_header : public pinned_files, public testing::WithParamInterface<damage> {};

TEST_P(a_damaged_header, is_refused) {
    const damage &d = GetParam();
    {
        map_definition definition = define(map_type::hash, 1024);
        definition.name = d.what == std::string_view{"name"} ? "flows" : "";
        ASSERT_TRUE(map::create_pinned(definition, path()));
    }
    std::vector<char> whole = content();
    std::memcpy(whole.data() + d.at, &d.value, sizeof d.value);
    write(whole);
    const auto refused = map::open_pinned(path());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kernel_errno, d.number) << refused.error().message;
    EXPECT_THAT(refused.error().message,
                HasSubstr("opening pinned map " + path() +
                          (d.number == EBADMSG ? ": the file is no map, or damaged"
                                               : ": the map was made by another version")));
}

INSTANTIATE_TEST_SUITE_P(fields, a_damaged_header, testing::ValuesIn(damages),
                         [](const auto &test) {
                             std::string words{test.param.what};
                             std::ranges::replace(words, ' ', '_');
                             return words;
                         });

TEST_F(pinned_files, on_another_node_are_refused) {
    {
        ASSERT_NE(create(map_type::hash, 8), nullptr);
    }
    std::vector<char> whole = content();
    const uint32_t flag = map_numa_node;
    const uint32_t node = 123'456;
    std::memcpy(whole.data() + field::flags, &flag, sizeof flag);
    std::memcpy(whole.data() + field::numa_node, &node, sizeof node);
    write(whole);
    EXPECT_EQ(errno_of(map::open_pinned(path())), EBADMSG);
}

/// Whatever a header says: it is refused, or it is that of a map which can be used.
TEST_F(pinned_files, with_any_header_are_opened_or_refused) {
    std::mt19937 random{11};
    constexpr std::array<uint32_t, 8> numbers{0, 1, 2, 7, 8, 0x7fff'ffff, 0x8000'0000, 0xffff'ffff};
    for (const map_type of : pinnable_types) {
        {
            fill(*create(of, 8), 6);
        }
        const std::vector<char> whole = content();
        for (std::size_t at = 0; at < field::header_end; at += 4) {
            for (const uint32_t number : numbers) {
                std::vector<char> altered = whole;
                std::memcpy(altered.data() + at, &number, sizeof number);
                write(altered);
                const auto opened = map::open_pinned(path());
                if (opened)
                    use(**opened, static_cast<uint32_t>(random()));
                else
                    EXPECT_NE(opened.error().kernel_errno, 0);
            }
        }
        std::filesystem::remove(path());
    }
}

TEST_F(pinned_files, of_other_sizes_than_their_maps_are_refused) {
    {
        ASSERT_NE(create(map_type::hash, 8), nullptr);
    }
    // Both the header and the file say that there is a page more.
    std::vector<char> whole = content();
    uint64_t size = 0;
    std::memcpy(&size, whole.data() + field::memory_size, sizeof size);
    size += 4096;
    std::memcpy(whole.data() + field::memory_size, &size, sizeof size);
    whole.resize(whole.size() + 4096);
    write(whole);
    EXPECT_EQ(errno_of(map::open_pinned(path())), EBADMSG);
}

TEST_F(pinned_files, with_links_that_lead_out_are_opened_or_refused) {
    for (const map_type of : {map_type::hash, map_type::lpm_trie}) {
        {
            fill(*create(of, 8), 8);
        }
        const std::vector<char> whole = content();
        for (std::size_t at = 4096; at + 8 <= whole.size(); at += 8) {
            std::vector<char> altered = whole;
            const uint64_t far = uint64_t{1} << 40;
            std::memcpy(altered.data() + at, &far, 8);
            write(altered);
            const auto opened = map::open_pinned(path());
            EXPECT_TRUE(opened or errno_of(opened) == EBADMSG);
            if (opened) use(**opened, static_cast<uint32_t>(at));
        }
        std::filesystem::remove(path());
    }
}

TEST_F(pinned_files, with_any_bytes_are_opened_or_refused) {
    std::mt19937 random{7};
    for (const map_type of : pinnable_types) {
        {
            fill(*create(of, 8), 6);
        }
        const std::vector<char> whole = content();
        for (int i = 0; i < 200; ++i) {
            std::vector<char> altered = whole;
            const std::size_t end = i % 2 == 0 ? 128 : whole.size();
            for (int changes = 0; changes < 1 + i % 4; ++changes)
                altered[random() % end] = static_cast<char>(random());
            write(altered);
            const auto opened = map::open_pinned(path());
            if (not opened) {
                EXPECT_NE(opened.error().kernel_errno, 0);
                continue;
            }
            for (int uses = 0; uses < 4; ++uses) use(**opened, static_cast<uint32_t>(random()));
        }
        std::filesystem::remove(path());
    }
}

// --- files that others damage while one uses them

/// All of a file, as whoever may write to it has it.
class hostile_view {
public:
    explicit hostile_view(const std::string &path) {
        const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
        bytes_ = std::filesystem::file_size(path);
        memory_ = static_cast<uint8_t *>(
            mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
        close(fd);
    }
    ~hostile_view() { munmap(memory_, bytes_); }
    hostile_view(const hostile_view &) = delete;
    hostile_view &operator=(const hostile_view &) = delete;

    /// Writes a number where it may hurt: links, indices and positions are small, or huge. Never
    /// that of the process that made the map: its locks would seem to be held by itself.
    template <typename Random>
    void write_somewhere(Random &random) noexcept {
        const std::size_t at = random() % (bytes_ / 8) * 8;
        const uint64_t number = some_number(random());
        if ((number & 0xf'ffff) != own_token and number >> 32 != own_token) write(at, number);
    }
    void write(std::size_t at, uint64_t number) noexcept {
        __atomic_store_n(reinterpret_cast<uint64_t *>(memory_ + at), number, __ATOMIC_RELAXED);
    }

private:
    static constexpr uint64_t own_token = 1 << 8 | 1;

    [[nodiscard]] uint64_t some_number(uint64_t bits) const noexcept {
        const uint64_t number = bits >> 3;
        switch (bits % 8) {
        case 0: return 0;
        case 1: return number % 64;
        case 2: return number % 4096;
        case 3: return ~number % 4096;
        case 4: return number << 20;
        case 5: return number << 32;
        case 6: return number % (4 * bytes_) << 20;  // the head of a chain
        default: return number;
        }
    }

    uint8_t *memory_;
    std::size_t bytes_;
};

TEST_F(pinned_files, that_change_between_uses_do_no_harm) {
    for (const map_type of : pinnable_types) {
        std::mt19937_64 random{3};
        const auto m = create(of, 8);
        fill(*m, 6);
        hostile_view hostile{path()};
        for (int i = 0; i < 40; ++i) {
            for (int changes = 0; changes < 4; ++changes) hostile.write_somewhere(random);
            use(*m, static_cast<uint32_t>(random()));
        }
        std::filesystem::remove(path());
    }
}

TEST_F(pinned_files, that_another_process_damages_do_no_harm) {
    for (const map_type of : pinnable_types) {
        const auto m = create(of, 8);
        fill(*m, 6);
        const pid_t child = fork();
        if (child == 0) {
            std::mt19937_64 random{9};
            for (hostile_view hostile{path()};;) hostile.write_somewhere(random);
        }
        for (uint32_t i = 0; i < 200; ++i) use(*m, i);
        kill(child, SIGKILL);
        EXPECT_EQ(waitpid(child, nullptr, 0), child);
        std::filesystem::remove(path());
    }
}

TEST_F(pinned_files, with_chains_that_never_end_are_walked_to_an_end) {
    const auto m = create(map_type::hash, 2);
    ASSERT_EQ(errno_of(m->update(key(1), word(1))), 0);
    ASSERT_EQ(errno_of(m->update(key(2), word(2))), 0);
    hostile_view hostile{path()};
    // Elements lie behind a control block, a block for each CPU and the heads of two chains.
    const std::size_t page = static_cast<std::size_t>(getpagesize());
    const std::size_t elements = page + (64 + std::size_t{64} * cpu_count() + 16 + 63) / 64 * 64;
    for (uint64_t i = 0; i < 2; ++i) {
        // Each is the next one of itself.
        const uint64_t link = 2 * (i * 4 + 1);
        hostile.write(elements + i * 32, link);
    }
    EXPECT_EQ(errno_of(m->lookup(key(3))), ENOENT);
    EXPECT_EQ(errno_of(m->remove(key(3))), ENOENT);
    std::size_t visits = 0;
    const auto count = [](void *n, const void *, void *) {
        ++*static_cast<std::size_t *>(n);
        return false;
    };
    m->for_each_elem(count, &visits);
    EXPECT_GT(visits, 2U);
}

/// Keys of all elements, in one chain or several, until there is none or an error.
int follow_keys(const map &m, std::size_t most) {
    std::size_t steps = 0;
    auto at = m.next_key({});
    for (; at and steps < most; at = m.next_key(*at)) ++steps;
    return at ? 0 : at.error().kernel_errno;
}

TEST_F(pinned_files, with_chains_that_never_end_have_no_endless_keys) {
    constexpr uint32_t entries = 2;
    const auto m = create(map_type::hash, entries);
    for (uint32_t i = 0; i < entries; ++i) ASSERT_EQ(errno_of(m->update(key(i), word(i))), 0);
    EXPECT_EQ(follow_keys(*m, entries + 1), ENOENT);
    hostile_view hostile{path()};
    const std::size_t page = static_cast<std::size_t>(getpagesize());
    const std::size_t heads = page + 64 + std::size_t{64} * cpu_count();
    const std::size_t elements = (heads + 16 + 63) / 64 * 64;
    constexpr std::size_t element_bytes = 32;
    constexpr std::size_t key_at = 16;
    const auto link_to = [](uint64_t element) { return 2 * (element * 4 + 1); };
    const auto end = [](uint64_t chain) { return chain << 1 | 1; };
    // Whatever chain a key belongs to: both elements are in both chains.
    struct links {
        const char *what;
        uint64_t first, second;  // what follows the elements
        uint64_t keys[2];
        int expected;
    };
    const links damaged[] = {
        {"an element that follows itself", link_to(0), link_to(1), {0, 0}, EUCLEAN},
        {"a ring", link_to(1), link_to(0), {0, 0}, EUCLEAN},
        {"a key that is there twice", link_to(1), end(0), {0, 0}, EUCLEAN},
    };
    for (const links &d : damaged) {
        hostile.write(heads, link_to(0) << 20);
        hostile.write(heads + 8, link_to(0) << 20);
        hostile.write(elements, d.first);
        hostile.write(elements + element_bytes, d.second);
        for (std::size_t i = 0; i < 2; ++i)
            hostile.write(elements + i * element_bytes + key_at, d.keys[i]);
        EXPECT_EQ(follow_keys(*m, 100), d.expected) << d.what;
    }
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
