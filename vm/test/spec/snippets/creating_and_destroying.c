// Create a VM instance with specified backend
struct ebpf_vm *ebpf_create(const char *vm_name);

// Destroy a VM instance and free resources
void ebpf_destroy(struct ebpf_vm *vm);
