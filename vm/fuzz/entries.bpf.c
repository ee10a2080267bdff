// bpftime-vm: the object of fuzz_entries: maps and variables of many types
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name
typedef unsigned char u8;
typedef unsigned u32;
typedef unsigned long long u64;
typedef _Bool flag;
enum colour { red = 1, green, blue = -7 };
struct inner {
    short number;
    u8 mac[6];
};
struct value {
    int count;
    struct inner one, more[2];
    enum colour paint;
    unsigned low : 3, high : 20;
    long wide : 33;
    union {
        u32 word;
        u8 bytes[4];
    } either;
    char text[8];
    double ratio;
    flag set;
    void *place;
    u64 grid[2][3];
};
struct key {
    u32 id;
    u8 part[3];
};
struct {
    __uint(type, 1);
    __uint(max_entries, 8);
    __type(key, struct key);
    __type(value, struct value);
} table SEC(".maps");
struct {
    __uint(type, 2);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, u64);
} list SEC(".maps");
struct {
    __uint(type, 6);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, struct inner);
} counts SEC(".maps");
struct {
    __uint(type, 11);
    __uint(max_entries, 8);
    __uint(map_flags, 1);
    __type(key, u64);
    __type(value, u32);
} routes SEC(".maps");
struct {
    __uint(type, 22);
    __uint(max_entries, 4);
    __type(value, u32);
} jobs SEC(".maps");
struct {
    __uint(type, 3);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, u32);
} calls SEC(".maps");
struct {
    __uint(type, 1);
    __uint(max_entries, 8);
    __uint(key_size, 9);
    __uint(value_size, 3);
} bytes SEC(".maps");
const volatile u32 limit = 5;
struct value pair = {3};
u8 name[16] = "a";
static void *(*lookup)(void *map, const void *key) = (void *)1;
SEC("socket") int f(void *ctx) {
    u64 zero[4] = {};
    pair.count += limit + name[3];
    return lookup(&table, zero) || lookup(&list, zero) || lookup(&counts, zero) ||
           lookup(&routes, zero) || lookup(&bytes, zero) ||
           ((long (*)(void *, void *, u64))87)(&jobs, zero, 0) ||
           ((long (*)(void *, void *, u32))12)(ctx, &calls, 0);
}
