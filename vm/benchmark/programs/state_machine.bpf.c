// bpftime-vm: benchmark: splits text into words, numbers, strings and comments with a state machine
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

enum { blank, word, number, quoted, escaped, comment };

SEC("bench") uint64_t state_machine(void *mem, uint64_t len) {
    const uint8_t *text = mem;
    uint32_t state = blank;
    uint64_t tokens = 0, hash = 0;
    for (uint64_t i = 0; i < len; i++) {
        uint32_t c = text[i];
        uint32_t letter = ((c | 32) - 'a') < 26 || c == '_';
        uint32_t digit = (c - '0') < 10;
        uint32_t next = state;
        switch (state) {
        case quoted: next = c == '"' ? blank : c == '\\' ? escaped : quoted; break;
        case escaped: next = quoted; break;
        case comment: next = c == '\n' ? blank : comment; break;
        case word: next = letter || digit ? word : blank; break;
        case number: next = digit || c == '.' ? number : blank; break;
        default: break;
        }
        if (state <= number && next == blank) {
            next = letter ? word : digit ? number : c == '"' ? quoted : c == '#' ? comment : blank;
        }
        if (next != state) {
            tokens++;
            hash = (hash ^ (next * 31 + c)) * 0x100000001b3ULL;
        }
        state = next;
    }
    return mix(hash, tokens);
}
