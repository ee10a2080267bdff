// bpftime-vm: the files that pinned maps are in
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "shared_file.hpp"

#include "runtime/cpu.hpp"
#include "shared_bytes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <random>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

constexpr std::array<char, 8> magic = {'B', 'P', 'F', 'T', 'M', 'A', 'P', '\n'};
/// Of this header and of all memory of maps: raised when one of them changes.
constexpr uint32_t layout_version = 1;
constexpr uint32_t native_order = 0x01020304;
constexpr std::size_t most_name_bytes = 255;
constexpr std::size_t most_bytes = std::size_t{1} << 40;

struct file_header {
    std::array<char, 8> magic;
    uint32_t version;
    uint32_t order;       ///< of bytes
    uint32_t page_bytes;  ///< of this header, too
    uint32_t cpus;
    uint64_t bytes;  ///< of the memory that follows
    uint32_t type;
    uint32_t key_size;
    uint32_t value_size;
    uint32_t max_entries;
    uint32_t flags;
    uint32_t numa_node;
    uint64_t map_extra;
    uint32_t name_bytes;
    std::array<char, most_name_bytes + 1> name;
};

/// The first page of a file.
struct file_page {
    file_header header;
    file_state state;
};
static_assert(sizeof(file_page) <= 4096);
static_assert(std::atomic<uint32_t>::is_always_lock_free);

std::size_t page_bytes() noexcept { return static_cast<std::size_t>(getpagesize()); }

constexpr off_t member_locks = off_t{1} << 61;
constexpr uint32_t generation_count = 1U << (lock_holder::token_bits - file_state::member_bits);
constexpr off_t cpu_locks = member_locks + (off_t{1} << 32);

struct flock byte_lock(short type, off_t at) noexcept {
    struct flock lock{};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = at;
    lock.l_len = 1;
    return lock;
}

bool take_byte(int fd, off_t at) noexcept {
    struct flock lock = byte_lock(F_WRLCK, at);
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

/// Whether another open file description holds it.
bool is_taken(int fd, off_t at) noexcept {
    struct flock lock = byte_lock(F_WRLCK, at);
    return fcntl(fd, F_OFD_GETLK, &lock) != 0 or lock.l_type != F_UNLCK;
}

file_header header_of(const map_definition &d, std::size_t bytes) {
    file_header h{};
    h.magic = magic;
    h.version = layout_version;
    h.order = native_order;
    h.page_bytes = static_cast<uint32_t>(page_bytes());
    h.cpus = cpu_count();
    h.bytes = bytes;
    h.type = static_cast<uint32_t>(d.type);
    h.key_size = d.key_size;
    h.value_size = d.value_size;
    h.max_entries = d.max_entries;
    h.flags = d.flags;
    h.numa_node = d.numa_node;
    h.map_extra = d.map_extra;
    h.name_bytes = static_cast<uint32_t>(d.name.size());
    std::ranges::copy(d.name, h.name.begin());
    return h;
}

/// Whether the fields of a header of ours are such that they can be used at all.
bool is_sound(const file_header &h) noexcept {
    return h.name_bytes <= most_name_bytes and h.bytes <= most_bytes and
           h.bytes % page_bytes() == 0 and
           std::all_of(h.name.begin() + h.name_bytes, h.name.end(),
                       [](char c) { return c == '\0'; });
}

map_definition definition_of(const file_header &h) {
    return {.name = std::string{h.name.data(), h.name_bytes},
            .type = static_cast<map_type>(h.type),
            .key_size = h.key_size,
            .value_size = h.value_size,
            .max_entries = h.max_entries,
            .flags = h.flags,
            .map_extra = h.map_extra,
            .numa_node = h.numa_node};
}

/// A name in the folder of `path` that nobody else has.
int make_file(const std::string &path, std::string &name) {
    std::random_device random;
    for (int tries = 0; tries < 16; ++tries) {
        name = fmt::format("{}.{:08x}{:08x}", path, random(), random());
        const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0 or errno != EEXIST) return fd >= 0 ? fd : -errno;
    }
    return -EEXIST;
}

}  // namespace

int shared_file::create(const std::string &path, const map_definition &definition,
                        std::size_t bytes, shared_file &out) {
    if (definition.name.size() > most_name_bytes or definition.name.find('\0') != std::string::npos)
        return -ENAMETOOLONG;
    if (bytes > most_bytes - page_bytes()) return -E2BIG;
    if (access(path.c_str(), F_OK) == 0) return -EEXIST;
    std::string name;
    const int fd = make_file(path, name);
    if (fd < 0) return fd;
    out = {};
    out.fd_ = fd;
    out.made_as_ = std::move(name);
    out.definition_ = definition;
    out.bytes_ = round_up(bytes, page_bytes());
    const file_header header = header_of(definition, out.bytes_);
    if (ftruncate(fd, static_cast<off_t>(page_bytes() + out.bytes_)) != 0) return -errno;
    return pwrite(fd, &header, sizeof header, 0) == static_cast<ssize_t>(sizeof header) ? 0 : -EIO;
}

int shared_file::open(const std::string &path, shared_file &out) {
    out = {};
    // Not a FIFO or a device that lets its opener wait.
    out.fd_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (out.fd_ < 0) return -errno;
    return out.read_header();
}

int shared_file::read_header() {
    struct stat about{};
    if (fstat(fd_, &about) != 0) return -errno;
    file_header h{};
    if (not S_ISREG(about.st_mode) or
        pread(fd_, &h, sizeof h, 0) != static_cast<ssize_t>(sizeof h) or h.magic != magic)
        return -EBADMSG;
    if (h.version != layout_version or h.order != native_order or h.page_bytes != page_bytes() or
        h.cpus != cpu_count())
        return -ESTALE;
    if (not is_sound(h) or static_cast<uint64_t>(about.st_size) != page_bytes() + h.bytes)
        return -EBADMSG;
    definition_ = definition_of(h);
    bytes_ = h.bytes;
    return 0;
}

/// Holes of a file that find no room later would kill who touches them.
int shared_file::take_room() const {
    const auto size = static_cast<off_t>(page_bytes() + bytes_);
    int done = fallocate(fd_, 0, 0, size);
    while (done != 0 and errno == EINTR) done = fallocate(fd_, 0, 0, size);
    return done == 0 or errno == EOPNOTSUPP ? 0 : -errno;
}

int shared_file::map(std::size_t twice) {
    if (const int failed = take_room()) return failed;
    mapping_ = mapped_memory::of_file(fd_, page_bytes() + bytes_, twice);
    if (not mapping_) return -ENOMEM;
    return join();
}

/// Takes a member number.
int shared_file::join() {
    for (uint32_t member = 1; member <= file_state::most_members; ++member) {
        if (not take_byte(fd_, member_locks + member)) {
            if (errno != EAGAIN and errno != EACCES) return -errno;
            continue;
        }
        const uint32_t generation = state().generations[member].fetch_add(1) + 1;
        holder_.token_ = generation % generation_count << file_state::member_bits | member;
        holder_.fd_ = fd_;
        holder_.generations_ = state().generations.data();
        return 0;
    }
    return -EUSERS;
}

bool lock_holder::is_gone(uint32_t token, uint32_t generations) const noexcept {
    if (fd_ < 0) return false;
    const uint32_t member = token & file_state::most_members;
    const uint32_t generation = token >> file_state::member_bits;
    const uint32_t last = generations_[member].load(std::memory_order_relaxed);
    return last % generations != generation or not is_taken(fd_, member_locks + member);
}

bool lock_holder::is_gone(uint32_t token) const noexcept {
    return token != token_ and is_gone(token, generation_count);
}

bool lock_holder::is_short_gone(uint32_t token) const noexcept {
    return token != short_token() and
           is_gone(token, 1U << (short_token_bits - file_state::member_bits));
}

int shared_file::publish(const std::string &path) {
    if (link(made_as_.c_str(), path.c_str()) != 0) return -errno;
    unlink(made_as_.c_str());
    made_as_.clear();
    return 0;
}

uint8_t *shared_file::memory() const noexcept { return mapping_.data() + page_bytes(); }

file_state &shared_file::state() const noexcept {
    return reinterpret_cast<file_page *>(mapping_.data())->state;
}

uint32_t shared_file::take_cpu(uint32_t wanted) const noexcept {
    for (uint32_t i = 0; i < cpu_count(); ++i) {
        const uint32_t cpu = (wanted + i) % cpu_count();
        if (take_byte(fd_, cpu_locks + cpu)) return cpu;
    }
    return wanted;
}

void shared_file::close() noexcept {
    if (not made_as_.empty()) unlink(made_as_.c_str());
    mapping_ = {};
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

shared_file::shared_file(shared_file &&other) noexcept { *this = std::move(other); }

shared_file &shared_file::operator=(shared_file &&other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(made_as_, other.made_as_);
    std::swap(definition_, other.definition_);
    std::swap(bytes_, other.bytes_);
    std::swap(mapping_, other.mapping_);
    std::swap(holder_, other.holder_);
    return *this;
}

shared_file::~shared_file() { close(); }

}  // namespace bpftime::vm::runtime
