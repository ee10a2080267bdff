// In bpftime runtime
auto vm = std::make_unique<ebpf_vm>("llvm");

// Configure LDDW helpers for map access
vm->set_lddw_helpers(
    [](uint32_t fd) { return map_fd_to_addr(fd); },
    [](uint32_t idx) { return map_idx_to_addr(idx); },
    // ... other helpers
);

// Register runtime helpers
vm->register_external_function(1, "bpf_trace_printk", bpf_trace_printk);
vm->register_external_function(2, "bpf_map_lookup_elem", bpf_map_lookup_elem);
