// In each VM backend implementation
__attribute__((constructor)) 
static inline void register_llvm_vm_factory() {
    register_vm_factory("llvm", []() -> std::unique_ptr<bpftime_vm_impl> {
        return std::make_unique<llvm_bpf_jit>();
    });
}
