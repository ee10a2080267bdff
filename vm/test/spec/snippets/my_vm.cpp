class my_vm : public bpftime::vm::compat::bpftime_vm_impl {
    // Implement all pure virtual methods
};
