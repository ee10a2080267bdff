# bpftime-vm: a loop that ends itself after 2^23 rounds
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
mov %r0, 0
again: may_goto end
add %r0, 1
ja again
end: exit
