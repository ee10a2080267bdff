// Set LDDW instruction helpers
void ebpf_set_lddw_helpers(struct ebpf_vm *vm,
                          int (*map_by_fd)(uint32_t),
                          int (*map_by_idx)(uint32_t),
                          int (*map_val)(uint64_t),
                          int (*var_addr)(uint32_t),
                          int (*code_addr)(uint32_t));

// AOT compilation
int ebpf_aot_compile(struct ebpf_vm *vm,
                    struct ebpf_aot_options *options,
                    uint8_t **elf_buffer,
                    size_t *elf_size);
