// Create VM with specific backend
struct ebpf_vm *vm = ebpf_create("llvm");  // High performance
struct ebpf_vm *vm = ebpf_create("ubpf");  // Lightweight
