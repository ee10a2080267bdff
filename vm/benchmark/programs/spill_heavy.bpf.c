// bpftime-vm: benchmark: twenty-four values that stay alive through a loop
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bench.h"

#define STEP(x, y, z) x = rotl64(x ^ y, 7) + (z ^ word)

SEC("bench") uint64_t spill_heavy(void *mem, uint64_t len) {
    const mem_u64 *words = mem;
    uint64_t a = words[0], b = words[1], c = words[2], d = words[3], e = words[4], f = words[5];
    uint64_t g = words[6], h = words[7], i = words[8], j = words[9], k = words[10], l = words[11];
    uint64_t m = words[12], n = words[13], o = words[14], p = words[15], q = words[16];
    uint64_t r = words[17], s = words[18], t = words[19], u = words[20], v = words[21];
    uint64_t w = words[22], x = words[23];
    for (uint64_t at = 24; at < len / 8; at++) {
        uint64_t word = words[at];
        STEP(a, m, x);
        STEP(b, n, w);
        STEP(c, o, v);
        STEP(d, p, u);
        STEP(e, q, t);
        STEP(f, r, s);
        STEP(g, s, r);
        STEP(h, t, q);
        STEP(i, u, p);
        STEP(j, v, o);
        STEP(k, w, n);
        STEP(l, x, m);
        STEP(m, b, c);
        STEP(n, c, d);
        STEP(o, d, e);
        STEP(p, e, f);
        STEP(q, f, g);
        STEP(r, g, h);
        STEP(s, h, i);
        STEP(t, i, j);
        STEP(u, j, k);
        STEP(v, k, l);
        STEP(w, l, a);
        STEP(x, a, b);
    }
    uint64_t first = mix(mix(mix(a, b), mix(c, d)), mix(mix(e, f), mix(g, h)));
    uint64_t second = mix(mix(mix(i, j), mix(k, l)), mix(mix(m, n), mix(o, p)));
    uint64_t third = mix(mix(mix(q, r), mix(s, t)), mix(mix(u, v), mix(w, x)));
    return mix(mix(first, second), third);
}
