// bpftime-vm: lookups in maps as a part of compiled code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/map_probe.hpp"
#include "function_compiler.hpp"

#include <llvm/IR/Intrinsics.h>

namespace bpftime::vm::llvm_jit {

/// The value of the map in r1 at the key that r2 points to, in the own frame; or 0.
function_compiler::value function_compiler::look_up() {
    parts_.counted.add(counter::map_operations);
    uses_frame_ = true;
    const ebpf_map_shape &shape = *parts_.input.linked.maps()[origin_[1].map].shape;
    if (shape.index_count != 0) {
        return look_up_index(
            {.values = shape.values, .stride = shape.value_stride, .count = shape.index_count});
    }
    const ebpf_map_probe &probe = *shape.probe;
    if (probe.by == ebpf_map_probe::kind::hash) return look_up_hash(probe, shape.key_size);
    const value found = look_up_index(probe.index);
    const block before = b_.GetInsertBlock();
    const block is_there = new_block("found");
    const block done = new_block("looked_up");
    b_.CreateCondBr(b_.CreateICmpNE(found, word(0)), is_there, done, likely_);
    b_.SetInsertPoint(is_there);
    const value place = of_this_cpu(found, probe.cpus);
    const block found_in = b_.GetInsertBlock();
    b_.CreateBr(done);
    b_.SetInsertPoint(done);
    llvm::PHINode *const result = b_.CreatePHI(b_.getInt64Ty(), 2, "value");
    result->addIncoming(word(0), before);
    result->addIncoming(place, found_in);
    return result;
}

function_compiler::value function_compiler::look_up_index(const compat::index_probe &map) {
    const value index = load_key_word(0, sizeof(uint32_t));
    const value place = b_.CreateAdd(word(map.values), b_.CreateMul(index, word(map.stride)));
    return b_.CreateSelect(b_.CreateICmpULT(index, word(map.count)), place, word(0));
}

/// Bytes of the key, extended with zeros.
function_compiler::value function_compiler::load_key_word(uint32_t at, uint32_t bytes) {
    const int64_t offset = int64_t{origin_[2].offset} + at;
    const value place =
        b_.CreateGEP(b_.getInt8Ty(), frame_top_, word(static_cast<uint64_t>(offset)));
    const value part = b_.CreateAlignedLoad(b_.getIntNTy(8 * bytes), place, alignment_at(offset));
    return b_.CreateZExt(part, b_.getInt64Ty());
}

std::vector<function_compiler::value> function_compiler::key_words(uint32_t key_size) {
    constexpr uint32_t word_bytes = sizeof(uint64_t);
    std::vector<value> words;
    uint32_t at = 0;
    for (; key_size - at >= word_bytes; at += word_bytes)
        words.push_back(load_key_word(at, word_bytes));
    const uint32_t begin = at;
    value last = word(0);
    for (const uint32_t bytes : {4U, 2U, 1U}) {
        if ((key_size & bytes) == 0) continue;
        const value part = load_key_word(at, bytes);
        last = b_.CreateOr(last, b_.CreateShl(part, word(8 * uint64_t{at - begin})));
        at += bytes;
    }
    if (at != begin) words.push_back(last);
    return words;
}

function_compiler::value function_compiler::bucket_of(const compat::hash_probe &table,
                                                      llvm::ArrayRef<value> key) {
    llvm::Type *const wide = b_.getInt128Ty();
    value hash = word(table.hash_init);
    for (const value k : key) {
        const value mixed = b_.CreateZExt(b_.CreateXor(hash, k), wide);
        const value product =
            b_.CreateMul(mixed, llvm::ConstantInt::get(wide, table.hash_factor), "", true);
        const value high = b_.CreateTrunc(b_.CreateLShr(product, uint64_t{64}), b_.getInt64Ty());
        hash = b_.CreateXor(b_.CreateTrunc(product, b_.getInt64Ty()), high);
    }
    const value folded = b_.CreateXor(hash, b_.CreateLShr(hash, word(32)));
    return b_.CreateAnd(folded, word(table.bucket_mask));
}

/// A word that other threads may write.
function_compiler::value function_compiler::load_shared(value place, llvm::AtomicOrdering order) {
    llvm::LoadInst *const load = b_.CreateAlignedLoad(
        b_.getInt64Ty(), b_.CreateIntToPtr(place, b_.getPtrTy()), llvm::Align{sizeof(uint64_t)});
    load->setAtomic(order);
    return load;
}

/// See compat::hash_probe.
function_compiler::value function_compiler::look_up_hash(const ebpf_map_probe &map,
                                                         uint32_t key_size) {
    using enum llvm::AtomicOrdering;
    const compat::hash_probe &table = map.hash;
    const std::vector<value> key = key_words(key_size);
    const value bucket = bucket_of(table, key);
    const value head = b_.CreateAdd(word(table.heads), b_.CreateShl(bucket, word(3)));
    const value end_mark = b_.CreateOr(b_.CreateShl(bucket, word(1)), word(1));
    const block start = new_block("start");
    const block walk = new_block("walk");
    const block compares = new_block("element");
    const block next = new_block("next");
    const block ends = new_block("ends");
    const block is_there = new_block("found");
    const block done = new_block("looked_up");

    b_.CreateBr(start);
    b_.SetInsertPoint(start);
    const value first = b_.CreateLShr(load_shared(head, Acquire), word(table.head_shift));
    b_.CreateBr(walk);

    b_.SetInsertPoint(walk);
    llvm::PHINode *const link = b_.CreatePHI(b_.getInt64Ty(), 2, "link");
    link->addIncoming(first, start);
    const value is_odd = b_.CreateTrunc(link, b_.getInt1Ty());
    const block even = new_block("even");
    b_.CreateCondBr(is_odd, ends, even);
    b_.SetInsertPoint(even);
    b_.CreateCondBr(b_.CreateICmpNE(link, word(0)), compares, done, likely_);

    b_.SetInsertPoint(compares);
    const value element = b_.CreateNUWAdd(word(table.elements), b_.CreateShl(link, word(2)));
    value differs = word(0);
    for (std::size_t i = 0; i < key.size(); ++i) {
        const value at = b_.CreateAdd(element, word(table.key_offset + i * sizeof(uint64_t)));
        differs = b_.CreateOr(differs, b_.CreateXor(load_shared(at, Monotonic), key[i]));
    }
    b_.CreateCondBr(b_.CreateICmpEQ(differs, word(0)), is_there, next, likely_);

    b_.SetInsertPoint(next);
    const value following = load_shared(b_.CreateAdd(element, word(table.next_offset)), Acquire);
    link->addIncoming(following, next);
    b_.CreateBr(walk);

    b_.SetInsertPoint(ends);
    b_.CreateCondBr(b_.CreateICmpEQ(link, end_mark), done, start, likely_);

    b_.SetInsertPoint(is_there);
    // Addresses do not wrap: LLVM sees that a value's is not 0, as programs ask.
    value found = b_.CreateNUWAdd(element, word(table.value_offset));
    if (map.cpus.stride != 0) {
        const value words = load_shared(found, Monotonic);
        found = of_this_cpu(b_.CreateNUWAdd(word(table.percpu), b_.CreateShl(words, word(3))),
                            map.cpus);
    }
    const block found_in = b_.GetInsertBlock();
    b_.CreateBr(done);

    b_.SetInsertPoint(done);
    llvm::PHINode *const result = b_.CreatePHI(b_.getInt64Ty(), 3, "value");
    result->addIncoming(word(0), even);
    result->addIncoming(word(0), ends);
    result->addIncoming(found, found_in);
    return result;
}

/// From the place of CPU 0's value to that of the CPU that the thread counts as.
function_compiler::value function_compiler::of_this_cpu(value place,
                                                        const compat::percpu_values &cpus) {
    const compat::thread_cpu &known = *cpus.cpu;
    const value thread = b_.CreateIntrinsic(llvm::Intrinsic::thread_pointer, {}, {});
    const value at =
        b_.CreateGEP(b_.getInt8Ty(), thread, word(static_cast<uint64_t>(known.offset)));
    const value number = b_.CreateAlignedLoad(b_.getInt32Ty(), at, llvm::Align{sizeof(uint32_t)});
    const block before = b_.GetInsertBlock();
    const block takes = new_block("takes_cpu");
    const block has = new_block("has_cpu");
    b_.CreateCondBr(b_.CreateICmpULT(number, b_.getInt32(known.count)), has, takes, likely_);
    b_.SetInsertPoint(takes);
    llvm::FunctionType *const type = llvm::FunctionType::get(b_.getInt32Ty(), false);
    const value take =
        b_.CreateIntToPtr(word(reinterpret_cast<uint64_t>(known.take)), b_.getPtrTy());
    llvm::CallInst *const taken = b_.CreateCall(type, take);
    taken->setDoesNotThrow();
    b_.CreateBr(has);
    b_.SetInsertPoint(has);
    llvm::PHINode *const cpu = b_.CreatePHI(b_.getInt32Ty(), 2, "cpu");
    cpu->addIncoming(number, before);
    cpu->addIncoming(taken, takes);
    const value wide = b_.CreateZExt(cpu, b_.getInt64Ty());
    return b_.CreateNUWAdd(place, b_.CreateMul(wide, word(cpus.stride)));
}

}  // namespace bpftime::vm::llvm_jit
