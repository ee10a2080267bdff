// bpftime-vm: bodies of helpers, as LLVM IR, that several tests give
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace bpftime::vm::test {

/// sum(pointer, size): the bytes there added up.
inline constexpr std::string_view sum_body = R"(
    define i64 @sum(ptr %bytes, i64 %size) {
    entry:
      %is_empty = icmp eq i64 %size, 0
      br i1 %is_empty, label %done, label %next
    next:
      %i = phi i64 [ 0, %entry ], [ %j, %next ]
      %so_far = phi i64 [ 0, %entry ], [ %total, %next ]
      %at = getelementptr i8, ptr %bytes, i64 %i
      %byte = load i8, ptr %at
      %wide = zext i8 %byte to i64
      %total = add i64 %so_far, %wide
      %j = add i64 %i, 1
      %ends = icmp eq i64 %j, %size
      br i1 %ends, label %done, label %next
    done:
      %all = phi i64 [ 0, %entry ], [ %total, %next ]
      ret i64 %all
    })";

}  // namespace bpftime::vm::test
