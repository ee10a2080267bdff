// bpftime-vm: feeds kept inputs, and some mutations of each, to a fuzz target, in builds without
// libFuzzer Copyright (c) 2026 The bpftime-vm authors SPDX-License-Identifier: MIT
#include "common.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace fs = std::filesystem;
using bpftime::vm::fuzz::byte_vector;

namespace {

constexpr unsigned mutations_per_input = 20;
constexpr std::size_t largest_mutation = 4096;

/// The files to feed: `path` itself, or all files below it, sorted.
std::vector<fs::path> files_of(const fs::path &path) {
    if (fs::is_regular_file(path)) return {path};
    std::vector<fs::path> files;
    for (const auto &entry : fs::recursive_directory_iterator{path}) {
        if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

byte_vector read_file(const fs::path &path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

/// Runs one input from a block of exactly its size.
void feed(const byte_vector &input) {
    const byte_vector exact(input.begin(), input.end());
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void feed_mutations(const byte_vector &input) {
    const std::size_t kept = input.size();
    const std::size_t most = std::max(kept, largest_mutation);
    for (unsigned seed = 0; seed < mutations_per_input; ++seed) {
        byte_vector mutated{input};
        mutated.resize(most);
        mutated.resize(LLVMFuzzerCustomMutator(mutated.data(), kept, most, seed));
        feed(mutated);
    }
}

}  // namespace

/// In the place of libFuzzer's: overwrites a few bytes.
extern "C" std::size_t LLVMFuzzerMutate(uint8_t *data, std::size_t size, std::size_t) {
    static bpftime::vm::fuzz::random_source random{1};
    for (int n = 0; n < 4 and size != 0; ++n)
        data[random.below(size)] = static_cast<uint8_t>(random.interesting());
    return size;
}

int main(int argc, char **argv) {
    std::size_t fed = 0;
    for (int i = 1; i < argc; ++i) {
        for (const fs::path &file : files_of(argv[i])) {
            // Named before it runs, so that whoever sees it crash knows which it was.
            std::printf("%s\n", file.c_str());
            std::fflush(stdout);
            const byte_vector input = read_file(file);
            feed(input);
            feed_mutations(input);
            ++fed;
        }
    }
    if (fed != 0) return EXIT_SUCCESS;
    std::fprintf(stderr, "no input was found: give files or folders of inputs\n");
    return EXIT_FAILURE;
}
