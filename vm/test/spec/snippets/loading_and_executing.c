// Load eBPF bytecode into the VM
int ebpf_load(struct ebpf_vm *vm, 
              const void *code, 
              uint32_t code_len, 
              char **errmsg);

// Execute loaded program
int64_t ebpf_exec(struct ebpf_vm *vm, 
                  void *mem,        // Memory buffer
                  size_t mem_len,   // Buffer length
                  int64_t *result); // Execution result
