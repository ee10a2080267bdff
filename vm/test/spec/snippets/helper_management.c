// Register external helper function
int ebpf_register(struct ebpf_vm *vm, 
                  unsigned int idx,      // Helper ID
                  const char *name,      // Function name
                  external_function_t fn); // Function pointer

// Unregister helper function
int ebpf_unregister(struct ebpf_vm *vm, unsigned int idx);
