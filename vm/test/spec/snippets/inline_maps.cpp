// Configure inline maps
vm->set_inline_map(map_fd, map_ptr);

// Map operations become direct memory accesses after JIT
