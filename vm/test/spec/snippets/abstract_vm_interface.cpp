class bpftime_vm_impl {
public:
    // Core operations
    virtual int load_code(const void *code, size_t code_len) = 0;
    virtual int64_t exec(void *mem, size_t mem_len, int64_t &result) = 0;
    virtual precompiled_ebpf_function compile() = 0;

    // Helper management
    virtual void register_external_function(size_t index, 
                                          const std::string &name,
                                          external_function_t fn) = 0;

    // Advanced features
    virtual std::vector<uint8_t> do_aot_compile() = 0;
    virtual std::optional<std::vector<std::string>> do_get_ptx() = 0;
};
