// JIT compile to native function
ebpf_jit_fn ebpf_compile(struct ebpf_vm *vm, char **errmsg);

// Enable/disable bounds checking
void ebpf_set_pointer_secret(struct ebpf_vm *vm, uint64_t secret);
void ebpf_toggle_bounds_check(struct ebpf_vm *vm, bool enable);
