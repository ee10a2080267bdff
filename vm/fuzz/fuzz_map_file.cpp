// bpftime-vm: fuzz target: pinned maps whose files others damage, before they are opened and while
// they are used Copyright (c) 2026 The bpftime-vm authors SPDX-License-Identifier: MIT
#include "common.hpp"
#include "map_file_input.hpp"
#include "runtime/map.hpp"
#include "runtime/ring_buffer.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

using namespace bpftime::vm;
using namespace bpftime::vm::fuzz;

namespace {

tally counts{"fuzz_map_file"};

/// Where the file of each input is.
class folder {
public:
    folder() {
        const std::filesystem::path shm{"/dev/shm"};
        const auto parent =
            access(shm.c_str(), W_OK) == 0 ? shm : std::filesystem::temp_directory_path();
        name_ = (parent / "fuzz-map-XXXXXX").string();
        require(mkdtemp(name_.data()) != nullptr, "there is a place for files");
    }
    ~folder() { std::filesystem::remove_all(name_); }
    folder(const folder &) = delete;
    folder &operator=(const folder &) = delete;

    [[nodiscard]] std::string file() const { return name_ + "/map"; }

private:
    std::string name_;
};

/// The addresses at which this process has a file.
class mapping {
public:
    explicit mapping(const std::string &path) {
        std::ifstream maps{"/proc/self/maps"};
        for (std::string line; std::getline(maps, line);) {
            // It had a longer name when it was made.
            if (path.empty() or line.find(path) == line.npos) continue;
            unsigned long first = 0;
            unsigned long last = 0;
            require(std::sscanf(line.c_str(), "%lx-%lx", &first, &last) == 2, "maps are told");
            begin_ = begin_ == 0 ? first : begin_;
            end_ = last;
        }
    }
    [[nodiscard]] bool holds(const void *at, std::size_t size) const noexcept {
        const auto address = reinterpret_cast<uintptr_t>(at);
        return address >= begin_ and address <= end_ and size <= end_ - address;
    }

private:
    uintptr_t begin_ = 0;
    uintptr_t end_ = 0;
};

/// All of the file, as whoever may write to it writes.
class hostile_writer {
public:
    explicit hostile_writer(const std::string &path)
        : fd_{::open(path.c_str(), O_RDWR | O_CLOEXEC)},
          words_{std::filesystem::file_size(path) / sizeof(uint64_t)} {}
    ~hostile_writer() { close(fd_); }
    hostile_writer(const hostile_writer &) = delete;
    hostile_writer &operator=(const hostile_writer &) = delete;

    void write(const map_step &step) const {
        const uint64_t number = uint64_t{step.number} << step.shift;
        // Who says that this process holds a lock makes it wait for itself.
        if (is_own_token(number & 0xf'ffff) or is_own_token(number >> 32)) return;
        const auto at = static_cast<off_t>(step.place % words_ * sizeof number);
        require(pwrite(fd_, &number, sizeof number, at) == sizeof number, "files are written");
    }

private:
    /// The first who opens a file is member 1, and some number of times.
    static bool is_own_token(uint64_t number) noexcept { return (number & 0xff) == 1; }

    int fd_;
    uint64_t words_;
};

class session {
public:
    session(map_file_input input, std::string path)
        : input_{std::move(input)}, path_{std::move(path)} {
        auto made = runtime::map::create_pinned(input_.map, path_);
        require(made.has_value(), "maps can be made");
        use(std::move(*made));
    }

    void run() {
        const hostile_writer hostile{path_};
        for (const map_step &step : input_.steps) {
            if (step.kind == map_step::what::damage)
                hostile.write(step);
            else if (step.kind == map_step::what::reopen and not reopen())
                return;
            else
                perform(step);
        }
        counts.count("used to the end");
    }

private:
    void use(std::shared_ptr<runtime::map> m) {
        map_ = std::move(m);
        memory_ = mapping{path_};
        const map_definition &d = map_->definition();
        key_.assign(std::max<std::size_t>(d.key_size, 8), 0);
        value_.assign(std::max<std::size_t>(map_->host_value_size(), 8), 0);
    }

    bool reopen() {
        map_.reset();
        auto opened = runtime::map::open_pinned(path_);
        if (opened) {
            counts.count("opened again");
            use(std::move(*opened));
            return true;
        }
        const std::string &message = opened.error().message;
        require(opened.error().kernel_errno != 0, "refusals have an error number");
        require(std::ranges::all_of(message, [](char c) { return c >= ' ' and c <= '~'; }),
                "messages can be shown on a terminal");
        counts.count("refused");
        return false;
    }

    [[nodiscard]] std::span<uint8_t> key() { return {key_.data(), map_->definition().key_size}; }
    [[nodiscard]] std::span<uint8_t> value() { return {value_.data(), map_->host_value_size()}; }

    /// Prefixes mostly have a length that they can have.
    void write_key(uint32_t number) {
        if (map_->definition().type != map_type::lpm_trie) {
            std::memcpy(key_.data(), &number, sizeof number);
            return;
        }
        const std::size_t bits = key().subspan(4).size() * 8;
        const auto length = static_cast<uint32_t>(number % (bits + 2));
        std::memcpy(key_.data(), &length, sizeof length);
        std::memcpy(key_.data() + sizeof length, &number,
                    std::min<std::size_t>(sizeof number, bits / 8));
    }

    void touch(void *found) const {
        if (found == nullptr) return;
        const std::size_t size = map_->definition().value_size;
        require(memory_.holds(found, size), "values lie in the map");
        std::vector<uint8_t> copy(size);
        std::memcpy(copy.data(), found, size);
        std::memcpy(found, copy.data(), size);
    }

    void perform(const map_step &step) {
        write_key(step.number);
        std::memcpy(value_.data(), &step.place, sizeof step.place);
        if (runtime::ring_buffer *const ring = runtime::as_ring_buffer(map_.get()))
            return use_records(*ring, step);
        switch (step.kind) {
        case map_step::what::lookup:
            touch(map_->lookup_elem(key_.data()));
            touch(map_->lookup_percpu_elem(key_.data(), step.place));
            (void)map_->lookup(key(), value());
            break;
        case map_step::what::update:
            if (step.place % 2 == 0)
                map_->update_elem(key_.data(), value_.data(), step.shift % 3);
            else
                (void)map_->update(key(), value(), step.shift % 3);
            break;
        case map_step::what::remove:
            if (step.place % 2 == 0)
                map_->delete_elem(key_.data());
            else
                (void)map_->lookup_and_delete(key(), value());
            break;
        case map_step::what::walk: walk(); break;
        case map_step::what::batch:
            (void)map_->lookup_batch({}, 100);
            if (step.place % 4 == 0) (void)map_->lookup_and_delete_batch(step.place % 64);
            break;
        default: use_queue(step);
        }
    }

    void walk() {
        const auto visit = [](void *context, const void *, void *found) {
            static_cast<session *>(context)->touch(found);
            return false;
        };
        map_->for_each_elem(visit, this);
    }

    void use_queue(const map_step &step) {
        map_->push_elem(value_.data(), step.place % 3);
        map_->peek_elem(value_.data());
        if (step.shift % 2 == 0) map_->pop_elem(value_.data());
    }

    void use_records(runtime::ring_buffer &ring, const map_step &step) const {
        const std::size_t size = step.number % 4200;
        if (void *const record = ring.reserve(size, 0)) {
            require(memory_.holds(record, size), "records lie in the map");
            std::memset(record, 1, size);
            step.place % 2 == 0 ? ring.submit(record, 0) : ring.discard(record, 0);
        }
        std::size_t taken = 0;
        ring.consume([&](std::span<const uint8_t> record) {
            require(memory_.holds(record.data(), record.size()),
                    "what is consumed lies in the map");
            return ++taken < 100;
        });
        (void)ring.query(step.shift);
    }

    const map_file_input input_;
    const std::string path_;
    std::shared_ptr<runtime::map> map_;
    mapping memory_{""};
    std::vector<uint8_t> key_;
    std::vector<uint8_t> value_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, std::size_t size) {
    static const folder files;
    counts.count_input();
    session{parse_map_file_input({data, size}), files.file()}.run();
    std::filesystem::remove(files.file());
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(uint8_t *data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
    return mutate_map_file_input(data, size, max_size, seed);
}
