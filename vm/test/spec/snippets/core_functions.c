// VM lifecycle management
struct ebpf_vm *ebpf_create(const char *vm_name);
void ebpf_destroy(struct ebpf_vm *vm);

// Code loading and execution
int ebpf_load(struct ebpf_vm *vm, const void *code, uint32_t code_len, char **errmsg);
int64_t ebpf_exec(struct ebpf_vm *vm, void *mem, size_t mem_len, int64_t *result);

// Compilation
ebpf_jit_fn ebpf_compile(struct ebpf_vm *vm, char **errmsg);
